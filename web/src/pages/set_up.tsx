// The first person of all: comes by the link that was printed at the first start, and becomes the administrator.

import { useState } from "preact/hooks";
import { ApiProblem, wordsOf } from "../api/client";
import { TextField } from "../parts/field";
import { NewPassword, linkToken } from "../parts/new_password";
import { Problem } from "../parts/problem";
import { go } from "../routing";
import { session, setUp } from "../session";
import { Insecure } from "./sign_in";

export function SetUp() {
  const [token] = useState(linkToken);
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ApiProblem | null>(null);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      await setUp(token, email, name, password);
      go("/", { replace: true });
    } catch (error) {
      setProblem(error instanceof ApiProblem ? error : new ApiProblem(0, wordsOf(error)));
      setBusy(false);
    }
  };
  if (session.value?.setUpNeeded === false || token === "") {
    return (
      <div class="narrow">
        <h1>Set up</h1>
        <p>
          {token === "" ? "This address lacks the token of the set-up link: open the whole link as it was printed." : "mailprobe is set up already."} <a href="/">To the monitors</a>
        </p>
      </div>
    );
  }
  return (
    <form class="narrow" onSubmit={(event) => void submit(event)}>
      <h1>Set up mailprobe</h1>
      <p>You become its administrator: you can add mailboxes and invite others.</p>
      <Insecure />
      <Problem problem={problem} />
      <TextField label="Your name" name="name" autocomplete="name" required autofocus value={name} wrong={problem?.about("/name") ?? null} onText={setName} />
      <TextField label="E-mail address" type="email" name="email" autocomplete="username" required value={email} wrong={problem?.about("/email") ?? null} onText={setEmail} />
      <NewPassword value={password} wrong={problem?.about("/password") ?? null} onText={setPassword} />
      <button type="submit" class="primary" disabled={busy}>
        {busy ? "Setting up…" : "Set up"}
      </button>
    </form>
  );
}
