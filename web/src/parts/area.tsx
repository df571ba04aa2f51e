// Fields of more kinds than one line of text: several lines, a moment by the clock, a choice of several.

import { useId } from "preact/hooks";

interface Around {
  label: string;
  hint?: string | undefined;
  wrong: string | null;
}

export function TextArea({ label, hint, wrong, onText, ...given }: Around & { value: string; required?: boolean; maxLength?: number; rows?: number; placeholder?: string; onText: (text: string) => void }) {
  const id = useId();
  return (
    <div class={wrong ? "field wrong" : "field"}>
      <label for={id}>{label}</label>
      <textarea rows={3} {...given} id={id} spellcheck={false} aria-invalid={wrong ? "true" : undefined} aria-describedby={`${id}-more`} onInput={(event) => onText(event.currentTarget.value)} />
      <More id={id} wrong={wrong} hint={hint} />
    </div>
  );
}

export function MomentField({ label, hint, wrong, type, value, onText }: Around & { type: "datetime-local" | "date"; value: string; onText: (text: string) => void }) {
  const id = useId();
  return (
    <div class={wrong ? "field wrong" : "field"}>
      <label for={id}>{label}</label>
      <input {...({ type, value } as { value: string })} id={id} aria-invalid={wrong ? "true" : undefined} aria-describedby={`${id}-more`} onInput={(event) => onText(event.currentTarget.value)} />
      <More id={id} wrong={wrong} hint={hint} />
    </div>
  );
}

export function Several<Value extends string | number>({ label, hint, wrong, of, chosen, onChosen }: Around & { of: readonly (readonly [value: Value, words: string])[]; chosen: readonly Value[]; onChosen: (chosen: Value[]) => void }) {
  const id = useId();
  return (
    <fieldset class="several" aria-describedby={`${id}-more`}>
      <legend>{label}</legend>
      <div>
        {of.map(([value, words]) => (
          <label key={value}>
            <input type="checkbox" checked={chosen.includes(value)} onChange={(event) => onChosen(event.currentTarget.checked ? [...chosen, value] : chosen.filter((each) => each !== value))} /> {words}
          </label>
        ))}
      </div>
      <More id={id} wrong={wrong} hint={hint} />
    </fieldset>
  );
}

export function Tick(props: { label: string; checked: boolean; onTick: (checked: boolean) => void }) {
  return (
    <label class="check">
      <input type="checkbox" checked={props.checked} onChange={(event) => props.onTick(event.currentTarget.checked)} /> {props.label}
    </label>
  );
}

function More(props: { id: string; wrong: string | null; hint: string | undefined }) {
  return (
    <div id={`${props.id}-more`} class="more">
      {props.wrong ? <p class="fault">{props.wrong}</p> : props.hint && <p class="hint">{props.hint}</p>}
    </div>
  );
}
