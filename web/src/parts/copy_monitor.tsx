// Taking a monitor along: as a request, a command or a file.

import { useState } from "preact/hooks";
import type { Monitor } from "../api/types";
import { copiesOf } from "../words/copies";
import { Copied } from "./copied";
import { Dialog } from "./dialog";

export function CopyMonitor(props: { monitor: Monitor }) {
  const [shown, show] = useState(false);
  const copies = shown ? copiesOf(props.monitor, location.origin) : null;
  return (
    <>
      <button type="button" onClick={() => show(true)}>
        Copy as …
      </button>
      {copies && (
        <Dialog title="Copy as …" onClose={() => show(false)}>
          <p>What would make this monitor once more. Passwords are in none of them: nobody can read those.</p>
          <h3>curl</h3>
          <Copied text={copies.curl} label="as curl" />
          <h3>Command</h3>
          <Copied text={copies.command} label="as a command" />
          <h3>YAML, for mailprobe apply</h3>
          <Copied text={copies.yaml} label="as YAML" />
        </Dialog>
      )}
    </>
  );
}
