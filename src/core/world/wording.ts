import type { Sort } from './relations/relation.ts';

/**
 * How pages word their facts. A group is a set of alternatives that tell the same facts; `|` parts sentences,
 * `{relation}` is a value, `{n}` the entity, `{Pron}`/`{poss}` its pronouns, `{noun}` what it is. A group is left
 * out where the entity lacks one of its facts. Groups without a fact are distractors and come now and then; their
 * `{anyPerson}`, `{anyPlace}`, `{anyYear}` (after the entity's own year) belong to no question.
 */
export interface PageWording {
  readonly lead: readonly (readonly string[])[];
  readonly details: readonly (readonly (readonly string[])[])[];
}

export const wordings: Readonly<Record<Sort, PageWording>> = {
  person: {
    lead: [
      [
        '{n} was a {occupation}, born in {birthplace} in {birthYear}.',
        '{n} (born in {birthYear} in {birthplace}) was a {occupation}.',
        'Born in {birthplace} in {birthYear}, {n} was a {occupation}.',
        '{n} was a {occupation}.|{Pron} was born in {birthYear} in {birthplace}.',
        '{n} was a {occupation} from {birthplace}, where {pron} was born in {birthYear}.',
        'A native of {birthplace}, {n} was a {occupation}.|{Pron} was born in {birthYear}.',
      ],
      [
        '{poss} letters are kept in {anyPlace}.',
        '{Pron} was a friend of {anyPerson}.',
        '{Pron} kept bees and wrote about them.',
        '{Pron} spoke four languages.',
        '{Pron} lost a fortune in {anyYear}.',
      ],
    ],
    details: [
      [
        [
          '{Pron} married {spouse}.',
          '{n} married {spouse} after a long engagement.',
          '{Pron} was happily married to {spouse}.',
        ],
        [
          '{Pron} studied with {teacher}.',
          'As a young {human} {pron} studied under {teacher}.',
          '{n} studied for years with {teacher}.',
        ],
        [
          'A brother of {anyPerson}, {pron} was shy in company.',
          'A portrait of {obj} by {anyPerson} is lost.',
          '{Pron} never studied law.',
          '{poss} sister married in {anyPlace}.',
        ],
      ],
      [
        [
          '{Pron} worked for {employer}.',
          'For some years {pron} worked for {employer}.',
          '{n} worked for {employer} as a clerk.',
        ],
        [
          'In old age {pron} lived in {home}.',
          '{Pron} last lived in {home}.',
          'In the end {pron} lived in {home}, in a small house.',
        ],
        ['{poss} works are {works}.', 'The works of {n} are {works}.', '{Pron} left these works: {works}.'],
        [
          'A street in {anyPlace} bears {poss} name.',
          '{Pron} travelled to {anyPlace} in {anyYear}.',
          '{poss} house burned down in {anyYear}.',
        ],
      ],
    ],
  },
  settlement: {
    lead: [
      [
        '{n} is a {noun} in {country}.',
        '{n} is a {noun} in the west of {country}.',
        '{n} is a {noun} in northern {country}.',
        'The {noun} of {n} is in {country}.',
        '{n} is an old {noun} in {country}.',
      ],
      ['It stands on {river}.', '{River} flows past it.', 'It lies on the bank of {river}.'],
      [
        'It is known for its bells.',
        'Its market is held on Mondays.',
        'Its harbour freezes in winter.',
        'It was the home of {anyPerson}.',
        'It should not be confused with {anyPlace}.',
        'A road leads from here to {anyPlace}.',
      ],
    ],
    details: [
      [
        [
          'It was founded in {settled}.',
          '{n} was founded in {settled} by monks.',
          'The {noun} was founded in {settled}.',
        ],
        [
          'It has a population of {population}.',
          'The population of {n} is {population}.',
          'At the last count its population was {population}.',
        ],
        [
          'A fire destroyed half of it in {anyYear}.',
          'The bakery on the square was founded in {anyYear}.',
          'The roofs are red.',
        ],
      ],
      [
        ['Its first mayor was {mayor}.', '{mayor} was the first mayor.', 'The first mayor of {n} was {mayor}.'],
        [
          'A mayor of later days, {anyPerson}, built the bridge.',
          'A poem by {anyPerson} praises its gardens.',
          'Trains to {anyPlace} leave twice a day.',
        ],
      ],
    ],
  },
  mountain: {
    lead: [
      ['{n} is a mountain in {country}.', '{n} is a mountain in the east of {country}.', '{n} rises in {country}.'],
      ['It is {height} metres high.', 'Its height is {height} metres.', 'It rises to {height} metres.'],
      ['Snow lies on it until June.', 'A hut stands below the top.', 'It can be seen from {anyPlace}.'],
    ],
    details: [
      [
        [
          'It was first mapped by {explorer}.',
          '{explorer} first mapped it.',
          '{n} was first mapped by {explorer} in two summers.',
        ],
        ['An attempt by {anyPerson} failed in {anyYear}.', 'Goats live on its slopes.'],
      ],
    ],
  },
  river: {
    lead: [
      ['{n} is a river in {country}.', '{n} flows through {country}.', '{n} is a slow river in {country}.'],
      ['It is {length} kilometres long.', 'Its length is {length} kilometres.', 'It runs for {length} kilometres.'],
      ['It floods in spring.', 'Its water is brown.', 'Barges use it as far as {anyPlace}.'],
    ],
    details: [
      [
        [
          'It was first mapped by {explorer}.',
          '{explorer} first mapped it.',
          '{n} was first mapped by {explorer} in two summers.',
        ],
        ['A bridge was built over it in {anyYear}.', 'Otters live along its banks.'],
      ],
    ],
  },
  lake: {
    lead: [
      ['{n} is a lake in {country}.', '{n} is a cold lake in {country}.', '{n} lies in {country}.'],
      ['It is {depth} metres deep.', 'Its depth is {depth} metres.', 'It goes down to {depth} metres.'],
      ['It is rich in fish.', 'An island in it is named after {anyPerson}.', 'It freezes every winter.'],
    ],
    details: [
      [
        [
          'It was first mapped by {explorer}.',
          '{explorer} first mapped it.',
          '{n} was first mapped by {explorer} in two summers.',
        ],
        ['A ferry sank in it in {anyYear}.', 'Reeds cover the southern shore.'],
      ],
    ],
  },
  country: {
    lead: [
      [
        '{n} is a {noun}.|Its capital is {capital}.',
        '{n} is a {noun} whose capital is {capital}.',
        '{n} is a {noun} with {capital} as its capital.',
      ],
      [
        'The currency is the {currency} and the language is {language}.',
        'Its language is {language}.|Its currency is the {currency}.',
        'Its currency is the {currency}.|Its language is {language}.',
      ],
    ],
    details: [
      [
        ['It became independent in {independence}.', '{n} has been independent since {independence}.'],
        [
          'Its first governor was {ruler}.',
          '{ruler} was the first governor.',
          'The first governor of {n} was {ruler}.',
        ],
        ['A census was last held in {anyYear}.', 'Its flag shows a heron.', 'Its largest market is in {anyPlace}.'],
      ],
      [
        [
          'Its highest mountain is {peak}.',
          'The highest mountain of {n} is {peak}.',
          'Of its mountains the highest is {peak}.',
        ],
      ],
    ],
  },
  company: {
    lead: [
      [
        '{n} is a company based in {headquarters}.',
        '{n} is a company that is based in {headquarters}.',
        'The company {n} is based in {headquarters}.',
      ],
      [
        'It was founded by {founder} in {companyYear}.',
        '{founder} founded it in {companyYear}.',
        'It was founded in {companyYear} by {founder}.',
      ],
      ['A branch in {anyPlace} was closed.', 'Its sign shows a fox.', 'It was nearly bought by {anyPerson}.'],
    ],
    details: [
      [
        ['It makes {product}.', 'The company makes {product}.', '{n} makes {product} above all.'],
        [
          'It employs {employees} people.',
          '{n} employs {employees} people.',
          'The company employs {employees} people.',
        ],
        ['A strike in {anyYear} lasted nine weeks.', 'Its old yard is a museum.'],
      ],
      [
        ['Its director is {director}.', 'The director is {director}.', 'The director of {n} is {director}.'],
        ['A director of former days, {anyPerson}, left it a library.', 'Its books are kept in {anyPlace}.'],
      ],
    ],
  },
  work: {
    lead: [
      [
        '{n} is a {noun} by {author}.|It appeared in {published}.',
        '{n} is a {noun} by {author} that appeared in {published}.',
        'The {noun} {n} by {author} appeared in {published}.',
        '{n}, a {noun} by {author}, appeared in {published}.',
      ],
      ['Critics were divided.', 'It was soon forgotten.', 'A copy is kept in {anyPlace}.', '{anyPerson} admired it.'],
    ],
    details: [
      [
        ['It is set in {setting}.', 'The {noun} is set in {setting}.', '{n} is set in {setting}.'],
        [
          'It was brought out by {publisher}.',
          'The {noun} was brought out by {publisher}.',
          '{n} was first brought out by {publisher}.',
        ],
        ['A parody by {anyPerson} followed in {anyYear}.', 'It was written in eleven weeks.'],
      ],
      [
        [
          'It is dedicated to {dedicatee}.',
          'The {noun} is dedicated to {dedicatee}.',
          '{n} is dedicated to {dedicatee}.',
        ],
        ['It won {prize}.', 'The {noun} won {prize}.', '{n} won {prize}.'],
      ],
    ],
  },
  event: {
    lead: [
      [
        '{n} was held in {venue} in {eventYear}.',
        'In {eventYear} {n} was held in {venue}.',
        '{n} was held in {eventYear} in {venue}.',
      ],
      ['It was led by {leader}.', '{n} was led by {leader}.', '{leader} led it.'],
      ['It rained throughout.', 'News of it reached {anyPlace} late.'],
    ],
    details: [
      [
        [
          'Some {attendance} people took part.',
          '{attendance} people took part in it.',
          'In all {attendance} people took part.',
        ],
        ['A song about it was written by {anyPerson}.', 'It is remembered every year.'],
      ],
    ],
  },
  award: {
    lead: [
      ['{n} is given for {field}.', '{n} is an award given for {field}.', '{n}, given for {field}, is an old award.'],
      [
        'It is named after {namedAfter} and presented in {ceremony}.',
        'It is presented in {ceremony} and named after {namedAfter}.',
        'It is named after {namedAfter}.|It is presented in {ceremony}.',
      ],
    ],
    details: [
      [
        ['It was first given in {awardYear}.', '{n} was first given in {awardYear}.'],
        ['Its winners are {winners}.', 'The winners of {n} are {winners}.', 'Among its winners are {winners}.'],
        ['The purse is small.', 'The jury meets in {anyPlace}.'],
      ],
    ],
  },
};
