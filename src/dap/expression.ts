import jsep from 'jsep';

/**
 * Conditions of breakpoints: comparisons, logic, arithmetic and a few functions over the facts of the step. The text is
 * parsed by jsep and walked here; nothing is ever compiled or looked up outside of the facts, since a condition may
 * come from a workspace that somebody else has written.
 */
export type Value = string | number | boolean | null;
export type Facts = Readonly<Record<string, Value>>;

export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';
}

/** Longest expression that is read, in characters; a condition of a person is far shorter. */
const longest = 2000;

const functions: Readonly<Record<string, (args: readonly Value[]) => Value>> = {
  contains: ([text, part]) => asText(text).includes(asText(part)),
  startsWith: ([text, part]) => asText(text).startsWith(asText(part)),
  endsWith: ([text, part]) => asText(text).endsWith(asText(part)),
  lower: ([text]) => asText(text).toLowerCase(),
  length: ([text]) => asText(text).length,
};

export interface Expression {
  readonly text: string;
  evaluate(facts: Facts): Value;
}

/** @throws ExpressionError that says what is wrong, and names what there is */
export function parseExpression(text: string, names: readonly string[]): Expression {
  if (text.length > longest) throw new ExpressionError(`A condition has at most ${longest} characters.`);
  let tree: jsep.Expression;
  try {
    tree = jsep(text);
  } catch (error) {
    throw new ExpressionError(`Not readable: ${error instanceof Error ? error.message : String(error)}.`);
  }
  check(tree, names);
  return { text, evaluate: (facts) => walk(tree, facts) };
}

export function isTrue(value: Value): boolean {
  return value !== null && value !== false && value !== 0 && value !== '';
}

/** A log message: text with expressions in braces. @throws ExpressionError */
export function parseMessage(text: string, names: readonly string[]): (facts: Facts) => string {
  const parts = text.split(/\{([^{}]*)\}/);
  const read = parts.map((part, k) => (k % 2 === 0 ? part : parseExpression(part, names)));
  return (facts) => read.map((part) => (typeof part === 'string' ? part : asText(part.evaluate(facts)))).join('');
}

/** How often a breakpoint is passed before it stops: `3`, `>= 3`, `== 3`, `% 3`. @throws ExpressionError */
export function parseHits(text: string): (count: number) => boolean {
  const found = /^\s*(>=|>|==|=|<=|<|%)?\s*(\d{1,9})\s*$/.exec(text);
  if (found === null) throw new ExpressionError(`"${text}" is no hit count: write 3, >= 3, == 3 or % 3.`);
  const n = Number(found[2]);
  switch (found[1]) {
    case '>':
      return (count) => count > n;
    case '==':
    case '=':
      return (count) => count === n;
    case '<':
      return (count) => count < n;
    case '<=':
      return (count) => count <= n;
    case '%':
      if (n === 0) throw new ExpressionError('"% 0" is never reached.');
      return (count) => count % n === 0;
    default:
      return (count) => count >= n;
  }
}

type Node = jsep.Expression & Readonly<Record<string, unknown>>;
const node = (value: unknown): Node => value as Node;
const word = (value: unknown): string => (typeof value === 'string' ? value : '');

function check(tree: jsep.Expression, names: readonly string[]): void {
  const at = node(tree);
  switch (at.type) {
    case 'Literal':
      if (!['string', 'number', 'boolean'].includes(typeof at['value']) && at['value'] !== null)
        throw new ExpressionError(`"${word(at['raw'])}" is no value here.`);
      return;
    case 'Identifier':
      if (!names.includes(word(at['name'])))
        throw new ExpressionError(`There is no "${word(at['name'])}"; there are ${names.join(', ')}.`);
      return;
    case 'UnaryExpression':
      if (!['!', '-', '+'].includes(word(at['operator'])))
        throw new ExpressionError(`"${word(at['operator'])}" is no operator here.`);
      check(node(at['argument']), names);
      return;
    case 'BinaryExpression':
    case 'LogicalExpression':
      if (!Object.hasOwn(binary, word(at['operator'])) && !['&&', '||'].includes(word(at['operator'])))
        throw new ExpressionError(`"${word(at['operator'])}" is no operator here.`);
      check(node(at['left']), names);
      check(node(at['right']), names);
      return;
    case 'MemberExpression': {
      const property = node(at['property']);
      if (at['computed'] === true || property['name'] !== 'length')
        throw new ExpressionError('Of a text only .length can be asked.');
      check(node(at['object']), names);
      return;
    }
    case 'CallExpression': {
      const callee = node(at['callee']);
      const name = word(callee['name']);
      if (callee.type !== 'Identifier' || !Object.hasOwn(functions, name))
        throw new ExpressionError(`The functions are ${Object.keys(functions).join(', ')}.`);
      for (const argument of at['arguments'] as jsep.Expression[]) check(argument, names);
      return;
    }
    default:
      throw new ExpressionError('Only comparisons, logic, arithmetic and the functions of conditions can be used.');
  }
}

const binary: Readonly<Record<string, (a: Value, b: Value) => Value>> = {
  '==': equal,
  '===': equal,
  '!=': (a, b) => !equal(a, b),
  '!==': (a, b) => !equal(a, b),
  '<': (a, b) => compare(a, b, (x, y) => x < y),
  '<=': (a, b) => compare(a, b, (x, y) => x <= y),
  '>': (a, b) => compare(a, b, (x, y) => x > y),
  '>=': (a, b) => compare(a, b, (x, y) => x >= y),
  '+': (a, b) => (typeof a === 'number' && typeof b === 'number' ? a + b : asText(a) + asText(b)),
  '-': (a, b) => Number(a) - Number(b),
  '*': (a, b) => Number(a) * Number(b),
  '/': (a, b) => Number(a) / Number(b),
  '%': (a, b) => Number(a) % Number(b),
};

/** What is not known yet (null) equals nothing but null, and is neither less nor more than anything. */
function equal(a: Value, b: Value): boolean {
  if (typeof a === typeof b || a === null || b === null) return a === b;
  return asText(a) === asText(b);
}

function compare(a: Value, b: Value, test: (x: number | string, y: number | string) => boolean): boolean {
  if (a === null || b === null) return false;
  return typeof a === 'string' && typeof b === 'string' ? test(a, b) : test(Number(a), Number(b));
}

function asText(value: Value | undefined): string {
  return value === null || value === undefined ? '' : String(value);
}

function walk(tree: jsep.Expression, facts: Facts): Value {
  const at = node(tree);
  switch (at.type) {
    case 'Literal':
      return at['value'] as Value;
    case 'Identifier': {
      const name = word(at['name']);
      return Object.hasOwn(facts, name) ? (facts[name] ?? null) : null;
    }
    case 'UnaryExpression': {
      const value = walk(node(at['argument']), facts);
      return at['operator'] === '!' ? !isTrue(value) : at['operator'] === '-' ? -Number(value) : Number(value);
    }
    case 'BinaryExpression':
    case 'LogicalExpression': {
      const left = walk(node(at['left']), facts);
      if (at['operator'] === '&&') return isTrue(left) ? walk(node(at['right']), facts) : left;
      if (at['operator'] === '||') return isTrue(left) ? left : walk(node(at['right']), facts);
      const operator = binary[word(at['operator'])];
      return operator === undefined ? null : operator(left, walk(node(at['right']), facts));
    }
    case 'MemberExpression':
      return asText(walk(node(at['object']), facts)).length;
    case 'CallExpression': {
      const name = word(node(at['callee'])['name']);
      const call = functions[name];
      const args = (at['arguments'] as jsep.Expression[]).map((argument) => walk(argument, facts));
      return call === undefined ? null : call(args);
    }
    default:
      return null;
  }
}
