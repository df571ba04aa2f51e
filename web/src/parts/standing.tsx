// A monitor's state as a sign and a word: never colour alone.

import { type Standing, STANDINGS } from "../words/monitors";

export function StandingMark(props: { standing: Standing }) {
  const { glyph, word } = STANDINGS[props.standing];
  return (
    <span class={`standing ${props.standing}`}>
      <span class="glyph" aria-hidden="true">
        {glyph}
      </span>
      {word}
    </span>
  );
}
