import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { category, commandIds, commandSpec } from '../../../src/contrib/commands.ts';
import * as ids from '../../../src/contrib/ids.ts';
import { runFields, settingIds, settings, settingsSection } from '../../../src/contrib/settings.ts';
import { itemsAtOnce } from '../../../src/core/pipeline/context.ts';
import { LaunchArguments } from '../../../src/core/debug/launch.ts';
import { debugModes } from '../../../src/core/debug/target.ts';
import { Settings } from '../../../src/core/pipeline/settings.ts';
import { studySchema } from '../../../src/core/annotate/studySchema.ts';
import { taskSchema } from '../../../src/core/task/taskSchema.ts';
import { readManifest } from '../../harness/manifest.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

interface MenuItem {
  command: string;
  when?: string;
  group?: string;
}
interface Manifest {
  publisher: string;
  name: string;
  icon: string;
  activationEvents: string[];
  capabilities: {
    untrustedWorkspaces: { supported: string; restrictedConfigurations: string[] };
    virtualWorkspaces: { supported: boolean };
  };
  contributes: {
    commands: { command: string; title: string; category: string; icon?: string; enablement?: string }[];
    menus: Record<string, MenuItem[]>;
    keybindings: { command: string }[];
    views: Record<string, { id: string; icon: string }[]>;
    viewsContainers: { activitybar: { id: string; icon: string }[] };
    customEditors: { viewType: string; priority: string }[];
    viewsWelcome: { view: string; contents: string }[];
    languages: { id: string; extensions: string[]; configuration: string }[];
    grammars: { language: string; path: string }[];
    breakpoints: { language: string }[];
    debuggers: {
      type: string;
      languages: string[];
      configurationAttributes: { launch: { properties: Record<string, { default?: unknown; enum?: string[] }> } };
      configurationSnippets: { body: Record<string, unknown> }[];
    }[];
    jsonValidation: { fileMatch: string; url: string }[];
    configuration: { properties: Record<string, { default: unknown; scope: string; markdownDescription: string }> };
    walkthroughs: { id: string; steps: { id: string; description: string; media: { markdown: string } }[] }[];
  };
}
const manifest = readManifest() as Manifest;
const { contributes } = manifest;

describe('the manifest and the registries', () => {
  it('have the same commands', () => {
    const wanted = commandIds.map((command) => {
      const { title, icon, needsTrust } = commandSpec(command);
      return {
        command,
        title,
        category,
        ...(icon === undefined ? {} : { icon: `$(${icon})` }),
        ...(needsTrust === true ? { enablement: 'isWorkspaceTrusted' } : {}),
      };
    });
    assert.deepEqual(contributes.commands, wanted);
  });

  it('have the same settings, fewer than 25, each described', () => {
    const properties = contributes.configuration.properties;
    assert.deepEqual(
      Object.keys(properties),
      settingIds.map((id) => `${settingsSection}.${id}`),
    );
    assert.ok(settingIds.length < 25);
    for (const id of settingIds) {
      const property = properties[`${settingsSection}.${id}`];
      assert.deepEqual([property?.default, property?.scope], [settings[id].value, settings[id].scope], id);
      assert.ok((property?.markdownDescription.length ?? 0) > 20, id);
    }
    const restricted = settingIds
      .filter((id) => settings[id].restricted === true)
      .map((id) => `${settingsSection}.${id}`);
    assert.deepEqual(manifest.capabilities.untrustedWorkspaces.restrictedConfigurations, restricted);
  });

  it('let settings of a run name settings that a run has', () => {
    // Left out, it follows from the servers of the run.
    const defaults = { ...Settings.parse({}), concurrency: itemsAtOnce(Settings.parse({})) } as Record<string, unknown>;
    for (const { id } of runFields) {
      const value = id
        .split('.')
        .reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], defaults);
      assert.equal(typeof value, 'number', id);
    }
  });

  it('use only commands and views that exist', () => {
    const ofEditor = ['vscode.openFolder', 'workbench.trust.manage'];
    ofEditor.push('workbench.action.debug.stepBack', 'workbench.action.debug.reverseContinue');
    const known = new Set<string>([...commandIds, 'autoact.runs.focus', ...ofEditor]);
    const used = [...Object.values(contributes.menus).flat(), ...contributes.keybindings].map(({ command }) => command);
    const texts = [
      ...contributes.viewsWelcome.map(({ contents }) => contents),
      ...contributes.walkthroughs.flatMap(({ steps }) => steps.map(({ description }) => description)),
    ];
    for (const text of texts)
      for (const [, command] of text.matchAll(/\(command:([\w.]+)\)/g)) used.push(command ?? '');
    assert.deepEqual(
      used.filter((command) => !known.has(command)),
      [],
    );
    assert.deepEqual(
      contributes.viewsContainers.activitybar.map(({ id }) => id),
      [ids.viewContainer, ids.labelsContainer],
    );
    assert.deepEqual(
      Object.values(contributes.views)
        .flat()
        .map(({ id }) => id),
      [ids.runsView, ids.dataView, ids.boxesView, ids.annotateView, ids.queueView],
    );
    // As a default it would open in place of the text, where a debugger's stopped line is shown.
    assert.deepEqual(
      contributes.customEditors.map(({ viewType, priority }) => [viewType, priority]),
      [[ids.trajectoriesEditor, 'option']],
    );
    assert.deepEqual(
      contributes.walkthroughs.map(({ id }) => id),
      [ids.walkthrough],
    );
    assert.equal(`${manifest.publisher}.${manifest.name}`, ids.extensionId);
    assert.deepEqual(
      contributes.languages.map(({ id, extensions }) => [id, ...extensions]),
      [[ids.traceLanguage, ids.traceExtension]],
    );
  });

  it('give every state of the tree’s items a menu that matches it', () => {
    const whens = contributes.menus['view/item/context']?.map(({ when }) => when ?? '') ?? [];
    for (const value of Object.values(ids.treeContext).filter((context) => context !== ids.treeContext.more)) {
      const matching = whens.filter((when) => new RegExp(/viewItem =~ \/(.*)\/$/.exec(when)?.[1] ?? '$^').test(value));
      assert.ok(matching.length > 0, value);
    }
  });

  it('describe launch configurations as the debugger reads them', () => {
    assert.deepEqual(contributes.breakpoints, [{ language: ids.traceLanguage }]);
    const [debuggers] = contributes.debuggers;
    assert.equal(debuggers?.type, ids.debugType);
    assert.deepEqual(debuggers.languages, [ids.traceLanguage]);
    const { properties } = debuggers.configurationAttributes.launch;
    for (const name of Object.keys(properties)) assert.ok(name in LaunchArguments.shape, name);
    assert.deepEqual(properties['mode']?.enum, debugModes);
    const defaults = LaunchArguments.parse({});
    for (const name of ['line', 'mode', 'stopOnEntry'] as const)
      assert.equal(properties[name]?.default, defaults[name]);
    for (const { body } of debuggers.configurationSnippets) assert.equal(body['type'], ids.debugType);
  });

  it('name files that are there', () => {
    const files = [
      manifest.icon,
      ...contributes.viewsContainers.activitybar.map(({ icon }) => icon),
      ...contributes.languages.map(({ configuration }) => configuration),
      ...contributes.grammars.map(({ path }) => path),
      ...contributes.jsonValidation.map(({ url }) => url),
      ...contributes.walkthroughs.flatMap(({ steps }) => steps.map(({ media }) => media.markdown)),
    ];
    assert.deepEqual(
      files.filter((file) => !existsSync(`${root}${file}`)),
      [],
    );
  });

  it('never activate on everything, and keep untrusted workspaces readable', () => {
    assert.ok(manifest.activationEvents.every((event) => event !== '*' && event !== 'onStartupFinished'));
    assert.equal(manifest.capabilities.untrustedWorkspaces.supported, 'limited');
    assert.equal(manifest.capabilities.virtualWorkspaces.supported, false);
  });
});

describe('the task card’s JSON schema', () => {
  it('is what the zod schema says', () => {
    const written: unknown = JSON.parse(readFileSync(`${root}media/task.schema.json`, 'utf8'));
    if (!isDeepStrictEqual(written, taskSchema()))
      assert.fail('media/task.schema.json is out of date: run node scripts/task-schema.mjs');
  });
  it('and so is a study’s', () => {
    const written: unknown = JSON.parse(readFileSync(`${root}media/study.schema.json`, 'utf8'));
    if (!isDeepStrictEqual(written, JSON.parse(JSON.stringify(studySchema()))))
      assert.fail('media/study.schema.json is out of date: run node scripts/task-schema.mjs');
  });
  it('describes every field and lets defaults be left out', () => {
    const schema = taskSchema() as {
      properties: Record<string, { description?: string }>;
      required: string[];
    };
    for (const [name, property] of Object.entries(schema.properties))
      if (name !== '$schema') assert.ok(property.description, name);
    assert.deepEqual(schema.required, ['name', 'description', 'examples', 'metric']);
  });
});
