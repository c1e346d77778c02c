import { useEffect, useRef, useState } from 'preact/hooks';
import type { Configuration, DashboardSnapshot, ServerChoice } from '../../src/protocol/dashboard.ts';
import { Button, Dropdown, TextField } from '../kit/ui/controls.tsx';
import { useAsk } from './context.ts';

const saveAfterMs = 400;
const roleTitles: Readonly<Record<string, string>> = {
  meta: 'Meta-Agent: writes questions and trajectories',
  plan: 'Plan agent: thinks and names a tool',
  tool: 'Tool agent: fills in the argument',
  reflect: 'Reflect agent: judges the answer',
};

function urlProblem(server: ServerChoice): string | undefined {
  if (server.kind !== 'url') return undefined;
  if (server.url.trim() === '') return 'Give the server’s address, such as http://localhost:8000/v1.';
  return /^https?:\/\/\S+$/.test(server.url.trim()) ? undefined : 'An address begins with http:// or https://.';
}

function numberProblem(text: string): string | undefined {
  return text.trim() === '' || /^\d+(\.\d+)?$/.test(text.trim()) ? undefined : 'Give a number, or leave it empty.';
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
          <h2 id="configuration-title">Configuration</h2>
          <span class="muted">{open ? '' : 'of the next run'}</span>
        </summary>
        <form
          class="configuration"
          onSubmit={(event) => {
            event.preventDefault();
          }}
        >
          <h3>Servers</h3>
          <div class="servers">
            {draft.servers.map((server, index) => (
              <fieldset key={server.role}>
                <legend>{roleTitles[server.role] ?? server.role}</legend>
                <div class="grid">
                  <Dropdown
                    label="Server"
                    value={server.kind}
                    options={[
                      { value: 'embedded', label: 'Embedded engine' },
                      { value: 'url', label: 'OpenAI-compatible server' },
                    ]}
                    onChange={(kind) => {
                      setServer(index, { ...server, kind });
                    }}
                  />
                  {server.kind === 'url' ? (
                    <TextField
                      label="Address"
                      value={server.url}
                      placeholder="http://localhost:8000/v1"
                      invalid={urlProblem(server)}
                      onChange={(url) => {
                        setServer(index, { ...server, url });
                      }}
                    />
                  ) : null}
                  <TextField
                    label="Model"
                    value={server.model}
                    placeholder={server.kind === 'url' ? 'name on that server' : 'starter model'}
                    onChange={(model) => {
                      setServer(index, { ...server, model });
                    }}
                  />
                  {server.kind === 'url' && urlProblem(server) === undefined ? (
                    <div class="field">
                      <span class="field-label">API key</span>
                      <Button
                        onClick={() => void ask('setApiKey', { url: server.url })}
                        label={`Set the API key of ${server.url}`}
                      >
                        {snapshot.keyed.includes(server.url.trim().replace(/\/+$/, '')) ? 'Stored: change …' : 'Set …'}
                      </Button>
                    </div>
                  ) : null}
                </div>
              </fieldset>
            ))}
            {meta?.kind === 'url' ? (
              <div>
                <Button
                  onClick={() => {
                    change({ ...draft, servers: draft.servers.map((each) => ({ ...meta, role: each.role })) });
                  }}
                >
                  Use the Meta-Agent’s server for all roles
                </Button>
              </div>
            ) : null}
          </div>
          <h3>Run</h3>
          <div class="grid">
            <Dropdown
              label="Mode"
              value={draft.mode}
              options={[
                { value: 'fixed', label: 'fixed' },
                { value: 'reference', label: 'reference' },
              ]}
              description={
                draft.mode === 'fixed'
                  ? 'The published loop with its known faults corrected.'
                  : 'The behaviour of the published code.'
              }
              onChange={(mode) => {
                change({ ...draft, mode });
              }}
            />
            <TextField
              label="Seed"
              value={seedText}
              invalid={/^\d+$/.test(seedText) ? undefined : 'Give a whole number from 0.'}
              onChange={(text) => {
                setSeedText(text);
                if (/^\d+$/.test(text)) change({ ...draft, seed: Number(text) });
              }}
            />
            <Dropdown
              label="Training box"
              value={draft.box}
              options={[...new Set(['local', draft.box])].map((box) => ({
                value: box,
                label: box === 'local' ? 'local (this machine)' : box,
              }))}
              onChange={(box) => {
                change({ ...draft, box });
              }}
            />
            <TextField
              label="Python"
              value={draft.python}
              placeholder="AutoAct’s own environment"
              description="Interpreter of the local box."
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
            <Button onClick={() => void ask('openFile', { file: 'task' })}>Edit task card</Button>
            <Button onClick={() => void ask('openFile', { file: 'prompts' })}>Prompts …</Button>
          </div>
        </form>
      </details>
    </section>
  );
}
