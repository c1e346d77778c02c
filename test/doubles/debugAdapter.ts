/** The command line as a debug adapter: its test client starts a program without arguments. */
process.argv.push('debug-adapter');
await import('../../src/cli/main.ts');

export {};
