import { all, create } from 'mathjs/number';
import { calculatorTool } from '../../core/tools/library.ts';
import { observationLimit } from '../../core/tools/observation.ts';
import type { ToolProvider } from '../../core/tools/provider.ts';

/** Plain numbers and arithmetic, by the mathjs library. What may reach it at all is decided by `allowed`, below. */
const math = create(all ?? {}, {});

/** Numbers, the operators, brackets, commas and the names above; anything else is refused before it is parsed. */
const allowed = /^(?:[\d\s.+\-*/^%(),]|sqrt|abs|round|floor|ceil|min|max|e(?=[+-]?\d))*$/i;
const maxLength = 200;

/** The value as text, or why there is none. */
export type Calculated = { readonly value: string } | { readonly fault: 'no-expression' | 'no-number' };

export function calculate(expression: string): Calculated {
  const text = expression
    .trim()
    .replace(/(\d),(?=\d{3}\b)/g, '$1')
    .replace(/[×x](?=\s*\d)/g, '*')
    .replaceAll('÷', '/')
    .replaceAll('**', '^');
  if (text === '' || text.length > maxLength || !allowed.test(text)) return { fault: 'no-expression' };
  try {
    const value: unknown = math.evaluate(text);
    if (typeof value === 'number' && Number.isFinite(value))
      // As people write it, as far as the digits are certain: 2000000 and not 2e+6.
      return { value: math.format(value, { precision: digits, lowerExp: -6, upperExp: digits }) };
    return { fault: 'no-number' };
  } catch {
    return { fault: 'no-expression' };
  }
}

const digits = 12;

export function calculatorProvider(): ToolProvider {
  return {
    description: calculatorTool,
    provider: 'arithmetic',
    maxChars: observationLimit,
    call: (argument, state) => {
      const result = calculate(argument);
      if ('value' in result) return { text: result.value, outcome: 'hit', state };
      const shown = argument.slice(0, maxLength);
      const text =
        result.fault === 'no-number'
          ? `"${shown}" has no finite number as its value.`
          : `"${shown}" is not an arithmetic expression.`;
      return { text, outcome: 'miss', state };
    },
  };
}
