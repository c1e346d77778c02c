import { all, create } from 'mathjs/number';
import { calculatorTool } from '../../core/tools/library.ts';
import { observationLimit } from '../../core/tools/observation.ts';
import type { ToolProvider } from '../../core/tools/provider.ts';

/** Plain numbers and arithmetic, by the mathjs library. What may reach it at all is decided by `allowed`, below. */
const math = create(all ?? {}, {});

/** Numbers, the operators, brackets, commas and the names above; anything else is refused before it is parsed. */
const allowed = /^(?:[\d\s.+\-*/^%(),]|sqrt|abs|round|floor|ceil|min|max|e(?=[+-]?\d))*$/i;
const maxLength = 200;

/** @returns the value as text, or undefined when the text is no arithmetic expression */
export function calculate(expression: string): string | undefined {
  const text = expression
    .trim()
    .replace(/(\d),(?=\d{3}\b)/g, '$1')
    .replace(/[×x](?=\s*\d)/g, '*')
    .replaceAll('÷', '/');
  if (text === '' || text.length > maxLength || !allowed.test(text)) return undefined;
  try {
    const value: unknown = math.evaluate(text);
    return typeof value === 'number' && Number.isFinite(value) ? math.format(value, { precision: 12 }) : undefined;
  } catch {
    return undefined;
  }
}

export function calculatorProvider(): ToolProvider {
  return {
    description: calculatorTool,
    provider: 'arithmetic',
    maxChars: observationLimit,
    call: (argument, state) => {
      const value = calculate(argument);
      return value === undefined
        ? { text: `"${argument.slice(0, 200)}" is not an arithmetic expression.`, outcome: 'miss', state }
        : { text: value, outcome: 'hit', state };
    },
  };
}
