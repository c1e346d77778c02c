import * as l10n from '@vscode/l10n';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Configuration, DashboardSnapshot, ServerChoice } from '../../src/protocol/dashboard.ts';
import { Button, Dropdown, TextField } from '../kit/ui/controls.tsx';
import { useAsk } from './context.ts';

const saveAfterMs = 400;
const roleTitles: Readonly<Record<string, string>> = {
  meta: l10n.t('Meta-Agent: writes questions and trajectories'),
  plan: l10n.t('Plan agent: thinks and names a tool'),
  tool: l10n.t('Tool agent: fills in the argument'),
  reflect: l10n.t('Reflect agent: judges the answer'),
};

function urlProblem(server: ServerChoice): string | undefined {
  if (server.kind !== 'url') return undefined;
  if (server.url.trim() === '') return l10n.t('Give the server’s address, such as http://localhost:8000/v1.');
  return /^https?:\/\/\S+$/.test(server.url.trim()) ? undefined : l10n.t('An address begins with http:// or https://.');
}

function numberProblem(text: string): string | undefined {
  return text.trim() === '' || /^\d+(\.\d+)?$/.test(text.trim())
    ? undefined
    : l10n.t('Give a number, or leave it empty.');
}

/** What is chosen stays shown when the editor does not offer it any more. */
function modelOptions(chosen: string, offered: DashboardSnapshot['editorModels']): { value: string; label: string }[] {
  const options = offered.map(({ name, title }) => ({ value: name, label: `${title} (${name})` }));
  if (options.some(({ value }) => value === chosen)) return options;
  return [
    { value: chosen, label: chosen === '' ? l10n.t('no extension offers one') : l10n.t('{0}: not offered', chosen) },
    ...options,
  ];
}

/** What the next run is made with. Saved as it is typed; a run that is under way keeps what it began with. */
export function ConfigurationForm({
  snapshot,
  open,
}: {
  readonly snapshot: DashboardSnapshot;
  readonly open: boolean;
}) {
  const ask = useAsk();
  const [draft, setDraft] = useState<Configuration>(snapshot.configuration);
  const [seedText, setSeedText] = useState(String(snapshot.configuration.seed));
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const stored = JSON.stringify(snapshot.configuration);
  useEffect(() => {
    // Another panel or the settings may have changed it; what is being typed here wins.
    if (timer.current === undefined) {
      setDraft(snapshot.configuration);
      setSeedText(String(snapshot.configuration.seed));
    }
  }, [stored]);
  const change = (next: Configuration): void => {
    setDraft(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      void ask('setConfiguration', next).then(() => {
        timer.current = undefined;
      });
    }, saveAfterMs);
  };
  const setServer = (index: number, server: ServerChoice): void => {
    change({ ...draft, servers: draft.servers.map((each, at) => (at === index ? server : each)) });
  };
  const [meta] = draft.servers;
  return (
    <section class="card" aria-labelledby="configuration-title">
      <details open={open}>
        <summary>
          <h2 id="configuration-title">{l10n.t('Configuration')}</h2>
          <span class="muted">{open ? '' : l10n.t('of the next run')}</span>
        </summary>
        <form
          class="configuration"
          onSubmit={(event) => {
            event.preventDefault();
          }}
        >
          <h3>{l10n.t('Servers')}</h3>
          <div class="servers">
            {draft.servers.map((server, index) => (
              <fieldset key={server.role}>
                <legend>{roleTitles[server.role] ?? server.role}</legend>
                <div class="grid">
                  <Dropdown
                    label={l10n.t('Server')}
                    value={server.kind}
                    options={[
                      { value: 'embedded', label: l10n.t('Embedded engine') },
                      { value: 'url', label: l10n.t('OpenAI-compatible server') },
                      { value: 'vscode', label: l10n.t('VS Code’s language models (not reproducible)') },
                    ]}
                    onChange={(kind) => {
                      const [first] = snapshot.editorModels;
                      const model =
                        kind === 'vscode' ? (first?.name ?? '') : server.kind === 'vscode' ? '' : server.model;
                      setServer(index, { ...server, kind, model });
                    }}
                  />
                  {server.kind === 'url' ? (
                    <TextField
                      label={l10n.t('Address')}
                      value={server.url}
                      placeholder={'http://localhost:8000/v1'}
                      invalid={urlProblem(server)}
                      onChange={(url) => {
                        setServer(index, { ...server, url });
                      }}
                    />
                  ) : null}
                  {server.kind === 'vscode' ? (
                    <Dropdown
                      label={l10n.t('Model')}
                      value={server.model}
                      options={modelOptions(server.model, snapshot.editorModels)}
                      description={l10n.t(
                        'Answers cannot be reproduced: no seed is taken, and the model behind a name may change.',
                      )}
                      onChange={(model) => {
                        setServer(index, { ...server, model });
                      }}
                    />
                  ) : (
                    <TextField
                      label={l10n.t('Model')}
                      value={server.model}
                      placeholder={server.kind === 'url' ? l10n.t('name on that server') : l10n.t('starter model')}
                      onChange={(model) => {
                        setServer(index, { ...server, model });
                      }}
                    />
                  )}
                  {server.kind === 'url' && urlProblem(server) === undefined ? (
                    <div class="field">
                      <span class="field-label">{l10n.t('API key')}</span>
                      <Button
                        onClick={() => void ask('setApiKey', { url: server.url })}
                        label={l10n.t('Set the API key of {0}', server.url)}
                      >
                        {snapshot.keyed.includes(server.url.trim().replace(/\/+$/, ''))
                          ? l10n.t('Stored: change …')
                          : l10n.t('Set …')}
                      </Button>
                    </div>
                  ) : null}
                </div>
              </fieldset>
            ))}
            {meta?.kind === 'url' || meta?.kind === 'vscode' ? (
              <div>
                <Button
                  onClick={() => {
                    change({ ...draft, servers: draft.servers.map((each) => ({ ...meta, role: each.role })) });
                  }}
                >
                  {l10n.t('Use the Meta-Agent’s server for all roles')}
                </Button>
              </div>
            ) : null}
          </div>
          <h3>{l10n.t('Run')}</h3>
          <div class="grid">
            <Dropdown
              label={l10n.t('Mode')}
              value={draft.mode}
              options={[
                { value: 'fixed', label: 'fixed' },
                { value: 'reference', label: 'reference' },
              ]}
              description={
                draft.mode === 'fixed'
                  ? l10n.t('The published loop with its known faults corrected.')
                  : l10n.t('The behaviour of the published code.')
              }
              onChange={(mode) => {
                change({ ...draft, mode });
              }}
            />
            <TextField
              label={l10n.t('Seed')}
              value={seedText}
              invalid={/^\d+$/.test(seedText) ? undefined : l10n.t('Give a whole number from 0.')}
              onChange={(text) => {
                setSeedText(text);
                if (/^\d+$/.test(text)) change({ ...draft, seed: Number(text) });
              }}
            />
            <Dropdown
              label={l10n.t('Training box')}
              value={draft.box}
              options={[...new Set(['local', draft.box])].map((box) => ({
                value: box,
                label: box === 'local' ? l10n.t('local (this machine)') : box,
              }))}
              onChange={(box) => {
                change({ ...draft, box });
              }}
            />
            <TextField
              label={l10n.t('Python')}
              value={draft.python}
              placeholder={l10n.t('AutoAct’s own environment')}
              description={l10n.t('Interpreter of the local box.')}
              onChange={(python) => {
                change({ ...draft, python });
              }}
            />
            {snapshot.fields.map((field) => (
              <TextField
                key={field.name}
                label={field.label}
                value={draft.settings[field.name] ?? ''}
                placeholder={field.defaultText}
                description={field.description}
                invalid={field.kind === 'number' ? numberProblem(draft.settings[field.name] ?? '') : undefined}
                onChange={(text) => {
                  change({ ...draft, settings: { ...draft.settings, [field.name]: text } });
                }}
              />
            ))}
          </div>
          <div class="form-actions">
            <Button onClick={() => void ask('openFile', { file: 'task' })}>{l10n.t('Edit task card')}</Button>
            <Button onClick={() => void ask('openFile', { file: 'prompts' })}>{l10n.t('Prompts …')}</Button>
          </div>
        </form>
      </details>
    </section>
  );
}
