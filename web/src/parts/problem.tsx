// Something that could not be shown or done: the API's words, and what to do about it.

import type { ApiProblem } from "../api/client";

export function Problem(props: { problem: ApiProblem | null; again?: () => void }) {
  if (props.problem === null) return null;
  const wait = props.problem.retryAfterSeconds;
  return (
    <div class="problem" role="alert">
      <p>
        {props.problem.message}
        {wait !== null && ` Try again in ${wait} s.`}
      </p>
      {props.again && (
        <button type="button" onClick={props.again}>
          Try again
        </button>
      )}
    </div>
  );
}
