// What the .vsix holds: the second half of .vscodeignore's allow-list, as a check on its result.

const allowed = [
  /^dist\/[a-z]+\.js$/,
  /^dist\/webview\/[a-z]+\.(js|css)$/,
  /^prompts\/[\w-]+\.md$/,
  /^box\/[\w/-]+\.(py|txt|md)$/,
  /^media\/[\w/. -]+\.(svg|png|md|gif|json|ttf|woff2?)$/,
  /^schemas\/[\w.-]+\.json$/,
  /^starter\/[\w/.-]+\.(json|jsonl|gz|gguf|safetensors|md|txt)$/,
  /^(package(\.nls)?\.json|README\.md|CHANGELOG\.md|LICENSE(\.txt)?|language-configuration\.json)$/,
];
const required = ['dist/extension.js', 'dist/features.js', 'dist/cli.js', 'dist/engine.js', 'prompts/', 'box/', 'media/', 'LICENSE', 'README.md'];

export const isWeights = (file) => /\.(gguf|safetensors)$/.test(file);

/** @param {string[]} files paths from the repository root @returns {string[]} what is wrong, one line each */
export function checkPackedFiles(files) {
  return [
    ...files.filter((file) => !allowed.some((pattern) => pattern.test(file))).map((file) => `${file} does not belong in the package`),
    ...required
      .filter((entry) => !files.some((file) => (entry.endsWith('/') ? file.startsWith(entry) : file === entry)))
      .map((entry) => `${entry} is missing`),
  ];
}
