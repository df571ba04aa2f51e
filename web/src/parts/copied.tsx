// Something to take along: shown whole, and copied by one press.

import { useRef } from "preact/hooks";
import { say } from "./notices";

export function Copied(props: { text: string; label: string }) {
  const shown = useRef<HTMLPreElement>(null);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(props.text);
      say("Copied.");
    } catch {
      // Browsers lend the clipboard to encrypted pages alone.
      if (shown.current) getSelection()?.selectAllChildren(shown.current);
      say("It is selected: copy it with your keyboard.");
    }
  };
  return (
    <div class="copied">
      <pre tabIndex={0} role="group" aria-label={props.label} ref={shown}>
        {props.text}
      </pre>
      <button type="button" onClick={() => void copy()}>
        Copy<span class="unseen"> {props.label}</span>
      </button>
    </div>
  );
}
