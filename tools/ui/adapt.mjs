// Adapts the copy of upstream's UI in the folder that it is given. An edit whose place is gone fails the build.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const edits = {
  // Upstream has no page of our component; alloy-okta serves one (relative, so that it follows the path prefix). Upstream's
  // own pages lie in a folder for each namespace.
  'src/features/component/ComponentView.tsx': [
    ['href={`https://grafana.com/docs/alloy/latest/reference/components/${props.component.name}`}',
      "href={props.component.name === 'loki.source.okta' ? 'docs/loki.source.okta.md' : `https://grafana.com/docs/alloy/latest/reference/components/${props.component.name.split('.')[0]}/${props.component.name}/`}"],
  ],
  // A single quote needs no escape in a string of Alloy.
  'src/features/alloy-syntax-js/stringify.ts': [
    [`\\0'"\\\\]/g`, `\\0"\\\\]/g`],
  ],
  // A long value wraps instead of running off the page.
  'src/features/component/ComponentView.module.css': [['.pre {', '.pre {\n  white-space: pre-wrap;\n  overflow-wrap: anywhere;']],
};

for (const [name, replacements] of Object.entries(edits)) {
  const path = join(process.argv[2], name);
  let text = readFileSync(path, 'utf8');
  for (const [from, to] of replacements) {
    if (!text.includes(from)) {
      throw new Error(`${name} has changed upstream: it does not contain ${from}`);
    }
    text = text.replace(from, () => to);
  }
  writeFileSync(path, text);
}
