// One field of a form: its label, its hint, and what the API says is wrong with it.

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

interface Around {
  label: string;
  hint?: ComponentChildren;
  wrong?: string | null;
}

interface Input {
  value: string;
  type?: "text" | "email" | "password";
  name?: string;
  placeholder?: string;
  /** The id of a datalist with what may be meant. */
  list?: string;
  autocomplete?: string;
  autocapitalize?: "none";
  inputMode?: "numeric" | "decimal";
  minLength?: number;
  required?: boolean;
  autofocus?: boolean;
  spellcheck?: boolean;
}

export function TextField({ label, hint, wrong, onText, ...input }: Around & Input & { onText: (text: string) => void }) {
  const id = useId();
  // The types tell inputs apart by a literal `type`, which a property of three cannot be.
  const given = input as { value: string; type?: "password" };
  return (
    <Labelled id={id} label={label} hint={hint} wrong={wrong ?? null}>
      <input {...given} id={id} aria-invalid={wrong ? "true" : undefined} aria-describedby={`${id}-more`} onInput={(event) => onText(event.currentTarget.value)} />
    </Labelled>
  );
}

export function SelectField(
  props: Around & { value: string; options: readonly (readonly [value: string, words: string])[]; onText: (text: string) => void },
) {
  const id = useId();
  return (
    <Labelled id={id} label={props.label} hint={props.hint} wrong={props.wrong ?? null}>
      <select id={id} value={props.value} aria-invalid={props.wrong ? "true" : undefined} aria-describedby={`${id}-more`} onChange={(event) => props.onText(event.currentTarget.value)}>
        {props.options.map(([value, words]) => (
          <option key={value} value={value} selected={value === props.value}>
            {words}
          </option>
        ))}
      </select>
    </Labelled>
  );
}

function Labelled(props: { id: string; label: string; hint: ComponentChildren; wrong: string | null; children: ComponentChildren }) {
  return (
    <div class={props.wrong ? "field wrong" : "field"}>
      <label for={props.id}>{props.label}</label>
      {props.children}
      <div id={`${props.id}-more`} class="more">
        {props.wrong ? <p class="fault">{props.wrong}</p> : props.hint && <p class="hint">{props.hint}</p>}
      </div>
    </div>
  );
}
