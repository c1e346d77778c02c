import * as vscode from 'vscode';
import { debugType, traceLanguage } from '../../contrib/ids.ts';
import type { Features } from '../features.ts';

/** Registrations of the debugger and the Testing view; what is behind them is loaded when it is first used. */

export function registerDebugging(features: () => Pick<Features, 'debug' | 'debugLenses'>): vscode.Disposable[] {
  return [
    vscode.debug.registerDebugAdapterDescriptorFactory(debugType, {
      createDebugAdapterDescriptor: (session) => features().debug.descriptor(session),
    }),
    vscode.debug.registerDebugConfigurationProvider(debugType, {
      resolveDebugConfiguration: (folder, config) => features().debug.resolve(folder, config),
      resolveDebugConfigurationWithSubstitutedVariables: (_folder, config) => features().debug.complete(config),
    }),
    vscode.debug.registerDebugConfigurationProvider(
      debugType,
      { provideDebugConfigurations: () => features().debug.dynamic() },
      vscode.DebugConfigurationProviderTriggerKind.Dynamic,
    ),
    vscode.debug.onDidReceiveDebugSessionCustomEvent((event) => {
      if (event.session.type === debugType) features().debug.onEvent(event);
    }),
    vscode.languages.registerCodeLensProvider(
      { language: traceLanguage },
      { provideCodeLenses: (document) => features().debugLenses.provideCodeLenses(document) },
    ),
  ];
}

export function registerTests(features: () => Pick<Features, 'tests'>): vscode.TestController {
  const tests = vscode.tests.createTestController('autoact', 'AutoAct');
  tests.resolveHandler = (item) => features().tests.resolve(item);
  const { Run, Debug } = vscode.TestRunProfileKind;
  // What is run by default costs nothing: it shows what is on disk.
  tests.createRunProfile(vscode.l10n.t('Replay recorded'), Run, (request) => features().tests.replay(request), true);
  tests.createRunProfile(
    vscode.l10n.t('Debug recorded'),
    Debug,
    (request, token) => features().tests.debugRecorded(request, token),
    true,
  );
  return tests;
}
