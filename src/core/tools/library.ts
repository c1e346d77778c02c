/**
 * The tool library as the Meta-Agent reads it: name, definition and usage of each tool
 * (paper section 2.1; the three fields are its m, d and u).
 */
export interface ToolDescription {
  readonly name: string;
  /** What stands between the brackets of an action. */
  readonly argument: string;
  readonly definition: string;
  readonly usage: string;
  /** Other names under which models may call it. */
  readonly aliases: readonly string[];
}

export const searchTool: ToolDescription = {
  name: 'Search',
  argument: 'query',
  definition: 'finds pages by their text and returns the opening sentences of the best ones',
  usage: 'Search[harbour towns of Orvale]',
  aliases: ['BingSearch', 'WebSearch'],
};
export const retrieveTool: ToolDescription = {
  name: 'Retrieve',
  argument: 'title',
  definition: 'returns the first paragraph of the page with that title, or similar titles when there is none',
  usage: 'Retrieve[Mount Arel]',
  aliases: ['Wikipedia'],
};
export const lookupTool: ToolDescription = {
  name: 'Lookup',
  argument: 'keyword',
  definition: 'returns the next sentence with the keyword from the page that was found last',
  usage: 'Lookup[harbour]',
  aliases: [],
};
export const calculatorTool: ToolDescription = {
  name: 'Calculator',
  argument: 'expression',
  definition: 'works out an arithmetic expression',
  usage: 'Calculator[1874 - 1831]',
  aliases: ['Calculate'],
};

export const codeTool: ToolDescription = {
  name: 'CodeInterpreter',
  argument: 'code',
  definition:
    'runs Python code without network or files and returns what it prints and what its last expression is worth; \\n stands for the end of a line',
  usage: 'CodeInterpreter[sum(n * n for n in range(1, 11))]',
  aliases: ['Python', 'Code'],
};

export const tableTool: ToolDescription = {
  name: 'TableVerbalizer',
  argument: 'words',
  definition: 'tells the rows of tables that fit the words as sentences; "table: words" asks one table',
  usage: 'TableVerbalizer[harbour towns]',
  aliases: ['Table'],
};
export const databaseTool: ToolDescription = {
  name: 'Database',
  argument: 'SQL',
  definition: 'runs one SELECT of SQLite and returns its rows',
  usage: 'Database[SELECT count(*) FROM town]',
  aliases: ['SQL'],
};
export const knowledgeTool: ToolDescription = {
  name: 'KnowledgeGraph',
  argument: 'entity, relation',
  definition: 'returns what a knowledge graph says of an entity, or one relation of it',
  usage: 'KnowledgeGraph[Lake Sarn, country]',
  aliases: ['KG'],
};
export const imageTool: ToolDescription = {
  name: 'Image2Text',
  argument: 'image',
  definition: 'tells what the image of the question, or the image of that name, shows and what is written in it',
  usage: 'Image2Text[harbour.png]',
  aliases: ['ImageToText', 'Caption'],
};
export const drawTool: ToolDescription = {
  name: 'Text2Image',
  argument: 'description',
  definition: 'draws an image of a description and returns its name',
  usage: 'Text2Image[a harbour in fog]',
  aliases: ['TextToImage'],
};

/** Tools that need nothing but documents or arithmetic; the starter model knows these. */
export const lookupTools: readonly ToolDescription[] = [searchTool, retrieveTool, lookupTool, calculatorTool];

/** Actions that belong to the loop itself; every agent prompt lists them after the selected tools. */
export const finishTool: ToolDescription = {
  name: 'Finish',
  argument: 'answer',
  definition: 'gives the answer and nothing else; yes or no where the question asks for that',
  usage: 'Finish[Lake Sarn]',
  aliases: [],
};
export const reflectTool: ToolDescription = {
  name: 'Reflect',
  argument: 'right or wrong',
  definition: 'judges the answer that was just given, from the steps so far',
  usage: 'Reflect[right]',
  aliases: [],
};

/** Renders the numbered action list of the agent prompt. */
export function renderActionList(tools: readonly ToolDescription[]): string {
  return [...tools, finishTool, reflectTool]
    .map((tool, i) => `(${i + 1}) ${tool.name}[${tool.argument}]: ${tool.definition}. For example, ${tool.usage}.`)
    .join('\n');
}

/** Renders the library for the tool selection prompt: name, definition, usage. */
export function renderLibrary(tools: readonly ToolDescription[]): string {
  return tools.map((tool) => `- ${tool.name}: ${tool.definition}. Usage: ${tool.usage}`).join('\n');
}
