// Somebody who was invited, or who needs a new password: comes by a link that works once.

import { useState } from "preact/hooks";
import { ApiProblem, wordsOf } from "../api/client";
import { TextField } from "../parts/field";
import { NewPassword, linkToken } from "../parts/new_password";
import { Problem } from "../parts/problem";
import { go } from "../routing";
import { acceptInvitation } from "../session";
import { Insecure } from "./sign_in";

export function Invitation() {
  const [token] = useState(linkToken);
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ApiProblem | null>(null);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      await acceptInvitation(token, name, password);
      go("/", { replace: true });
    } catch (error) {
      setProblem(error instanceof ApiProblem ? error : new ApiProblem(0, wordsOf(error)));
      setBusy(false);
    }
  };
  if (token === "") {
    return (
      <div class="narrow">
        <h1>Invitation</h1>
        <p>This address lacks the token of the link: open the whole link as it was sent to you.</p>
      </div>
    );
  }
  return (
    <form class="narrow" onSubmit={(event) => void submit(event)}>
      <h1>Welcome to mailprobe</h1>
      <p>Choose the password you will sign in with.</p>
      <Insecure />
      <Problem problem={problem} />
      <TextField label="Your name" name="name" autocomplete="name" required autofocus value={name} wrong={problem?.about("/name") ?? null} onText={setName} />
      <NewPassword value={password} wrong={problem?.about("/password") ?? null} onText={setPassword} />
      <button type="submit" class="primary" disabled={busy}>
        {busy ? "One moment…" : "Save and sign in"}
      </button>
    </form>
  );
}
