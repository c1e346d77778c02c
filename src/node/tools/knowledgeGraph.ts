import { Parser } from 'n3';
import { statSync } from 'node:fs';
import { extname } from 'node:path';
import * as z from 'zod';
import { knowledgeTool } from '../../core/tools/library.ts';
import type { ToolProvider } from '../../core/tools/provider.ts';
import { tripleTool, type NamedTriple } from '../../core/tools/triples.ts';
import type { SparqlTool, TripleTool } from '../../core/tools/toolConfig.ts';
import { ToolError } from '../../core/tools/toolError.ts';
import { readText } from '../store/readText.ts';
import { TaskError } from '../store/taskError.ts';
import { fileOf } from './fileOf.ts';
import { askJson } from './webRequest.ts';

const maxBytes = 256 * 2 ** 20;
const labels = [
  'http://www.w3.org/2000/01/rdf-schema#label',
  'http://www.w3.org/2004/02/skos/core#prefLabel',
  'http://schema.org/name',
];

/** KnowledgeGraph over a file: Turtle, N-Triples, or lines of subject, relation and object between tabs. @throws ToolError */
export function localTriples(entry: z.infer<typeof TripleTool>, folder: string): ToolProvider {
  const path = fileOf(folder, entry.file);
  const bad = (why: string): ToolError =>
    new ToolError(
      'not-configured',
      `${path} holds no triples: ${why}.`,
      'It is Turtle, N-Triples, or three columns between tabs.',
    );
  if (statSync(path).size > maxBytes) throw bad(`it has more than ${maxBytes / 2 ** 20} MB`);
  let triples: NamedTriple[];
  try {
    const text = readText(path);
    triples = extname(path).toLowerCase() === '.tsv' ? columns(text) : turtle(text);
  } catch (error) {
    if (error instanceof TaskError) throw new ToolError('not-configured', error.message, error.remedy);
    throw bad(error instanceof Error ? error.message : String(error));
  }
  return tripleTool(triples, { provider: `${triples.length} triples of ${entry.file}`, maxChars: entry.maxChars });
}

function columns(text: string): NamedTriple[] {
  return text.split(/\r?\n/).flatMap((line, i) => {
    if (line.trim() === '') return [];
    const [subject, predicate, object, ...rest] = line.split('\t').map((cell) => cell.trim());
    if (subject === undefined || predicate === undefined || object === undefined || rest.length > 0)
      throw new Error(`line ${i + 1} has not three columns`);
    return [{ subject, predicate, object }];
  });
}

/** Things are called by their label, and without one by the end of their address. */
function turtle(text: string): NamedTriple[] {
  const quads = new Parser().parse(text);
  const named = new Map(
    quads
      .filter(({ predicate }) => labels.includes(predicate.value))
      .map(({ subject, object }) => [subject.value, object.value]),
  );
  const name = ({ value }: { readonly value: string }): string => named.get(value) ?? localName(value);
  return quads
    .filter(({ predicate }) => !labels.includes(predicate.value))
    .map(({ subject, predicate, object }) => ({
      subject: name(subject),
      predicate: name(predicate),
      object: object.termType === 'Literal' ? object.value : name(object),
    }));
}

function localName(address: string): string {
  const end = /[^/#]+$/.exec(address)?.[0] ?? address;
  try {
    return decodeURIComponent(end).replace(/_/g, ' ');
  } catch {
    return end;
  }
}

const Results = z.union([
  z.object({ boolean: z.boolean() }),
  z.object({
    head: z.object({ vars: z.array(z.string()) }),
    results: z.object({ bindings: z.array(z.record(z.string(), z.object({ value: z.string() }))) }),
  }),
]);
const rowLimit = 20;
const queryLimit = 4000;

/**
 * KnowledgeGraph over a SPARQL endpoint. With a `query` in the card the argument is put into it as a literal, at
 * {{argument}}; without one agents write the query themselves, which may only read and may not call other endpoints.
 */
export function sparql(entry: z.infer<typeof SparqlTool>, userAgent: string): ToolProvider {
  return {
    description:
      entry.query === undefined
        ? {
            ...knowledgeTool,
            argument: 'SPARQL',
            definition: 'runs a SPARQL SELECT or ASK over a knowledge graph',
            usage: 'KnowledgeGraph[SELECT ?p WHERE { ?p ?r ?o } LIMIT 3]',
          }
        : knowledgeTool,
    provider: `SPARQL at ${new URL(entry.url).host}`,
    maxChars: entry.maxChars,
    shared: true,
    call: async (argument, state, signal) => {
      const query =
        entry.query === undefined
          ? argument.trim()
          : entry.query.replaceAll('{{argument}}', () => literal(argument.trim()));
      if (entry.query === undefined && !readsOnly(query))
        return { text: 'Only one SELECT or ASK without SERVICE is allowed.', outcome: 'miss', state };
      const url = new URL(entry.url);
      url.searchParams.set('query', query.slice(0, queryLimit));
      const headers = { accept: 'application/sparql-results+json', 'user-agent': userAgent };
      const answer = Results.safeParse(
        await askJson({ name: 'The SPARQL endpoint', url, headers, timeoutSeconds: entry.timeoutSeconds }, signal),
      );
      if (!answer.success)
        throw new ToolError(
          'bad-response',
          'The SPARQL endpoint answered something else than results.',
          'See whether "url" is the address of its queries.',
        );
      if ('boolean' in answer.data) return { text: answer.data.boolean ? 'yes' : 'no', outcome: 'hit', state };
      const { head, results } = answer.data;
      if (results.bindings.length === 0) return { text: 'No results.', outcome: 'miss', state };
      const lines = results.bindings
        .slice(0, rowLimit)
        .map((row) => head.vars.map((name) => localName(row[name]?.value ?? '')).join(' | '));
      return {
        text: [head.vars.join(' | '), ...lines].join('\n'),
        outcome: 'hit',
        state: { lookup: { lines, keyword: null, index: 0 } },
      };
    },
  };
}

/** A literal of SPARQL, which the argument cannot leave. */
const literal = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&').replace(/\p{Cc}/gu, ' ')}"`;

/** Long strings first, since a single quotation mark may stand in them; an address holds no space, so `<` alone is less. */
const quoted =
  /"""(?:"{0,2}(?:[^"\\]|\\.))*"""|'''(?:'{0,2}(?:[^'\\]|\\.))*'''|"(?:[^"\\\n\r]|\\.)*"|'(?:[^'\\\n\r]|\\.)*'|<[^\s<>"{}|^`\\]*>|#[^\n\r]*/g;

function readsOnly(query: string): boolean {
  // Escapes of characters are read before anything else in SPARQL: without this, SERVIC\u0045 would be no SERVICE.
  const plain = query.replace(/\\u([\da-fA-F]{4})|\\U([\da-fA-F]{8})/g, (_, four?: string, eight?: string) =>
    character(Number.parseInt(four ?? eight ?? '', 16)),
  );
  const bare = plain.replace(quoted, ' ');
  return (
    /^\s*(?:prefix\s+\S+\s+|base\s+)*(?:select|ask)\b/i.test(bare) &&
    !/\b(?:service|insert|delete|load|clear|drop|create|copy|move|add|from)\b/i.test(bare)
  );
}

const character = (code: number): string => (code <= 0x10ffff ? String.fromCodePoint(code) : ' ');
