import { pathToFileURL } from 'node:url';
import { answerForConstants, closeProcess } from './lockDown.ts';
import type { PythonJob, SandboxAnswer } from './jobs.ts';

/** The few parts of Pyodide that are used; its own types need those of a browser. */
interface Pyodide {
  readonly globals: { set(name: string, value: unknown): void };
  runPython(code: string): unknown;
  setStdout(options: { write: (bytes: Uint8Array) => number }): void;
  setStderr(options: { write: (bytes: Uint8Array) => number }): void;
  setStdin(options: { stdin: () => null }): void;
  unregisterJsModule(name: string): void;
}
type LoadPyodide = (options: { indexURL: string; jsglobals: object; checkAPIVersion?: boolean }) => Promise<Pyodide>;

/**
 * Agents write an action on one line, so a line's end may be spelt \n where the code does not parse otherwise. What an
 * expression at the end is worth is shown, as at Python's own prompt.
 */
const driver = `
def _run(source):
    import ast, traceback
    from pyodide.code import eval_code
    fault = None
    for text in (source, source.replace("\\\\n", "\\n")):
        try:
            ast.parse(text)
            break
        except (SyntaxError, ValueError) as error:
            fault = fault or error
    else:
        return "failed", "".join(traceback.format_exception_only(fault)).strip().splitlines()[-1]
    try:
        value = eval_code(text, {"__name__": "__main__"})
        return "ok", "" if value is None else repr(value)
    except BaseException as error:
        return "failed", "".join(traceback.format_exception_only(error)).strip()[-2000:]
`;

export async function loadPython(job: PythonJob): Promise<() => SandboxAnswer> {
  answerForConstants();
  const { loadPyodide } = (await import(pathToFileURL(`${job.pyodide}pyodide.mjs`).href)) as {
    loadPyodide: LoadPyodide;
  };
  // Python's module js shows nothing of JavaScript's global objects.
  const python = await loadPyodide({ indexURL: job.pyodide, jsglobals: Object.create(null) as object });
  python.unregisterJsModule('pyodide_js');
  closeProcess();
  const decoder = new TextDecoder();
  let output = '';
  // What is over the limit is thrown away and not kept, however much a loop prints.
  const write = (bytes: Uint8Array): number => {
    if (output.length < job.maxOutput) output += decoder.decode(bytes.slice(0, job.maxOutput), { stream: true });
    return bytes.length;
  };
  python.setStdout({ write });
  python.setStderr({ write });
  python.setStdin({ stdin: () => null });
  python.runPython(driver);
  python.runPython('import sys; [sys.modules.pop(name, None) for name in ("js", "pyodide_js")]; del sys');
  return () => {
    python.globals.set('_source', job.code);
    const answer = python.runPython('import json as _json\n_json.dumps(_run(_source))');
    const [status, value] = JSON.parse(String(answer)) as [SandboxAnswer['status'], string];
    const text = [output.trimEnd(), value].filter((part) => part !== '').join('\n');
    return { status, text: text.slice(0, job.maxOutput) };
  };
}
