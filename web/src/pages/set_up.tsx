// The first person of all: comes by the link that was printed at the first start, and becomes the administrator.

import { useState } from "preact/hooks";
import { NEW_PASSWORD, linkToken } from "../parts/new_password";
import { Form, useForm } from "../parts/sending";
import { go } from "../routing";
import { session, setUp } from "../session";
import { Insecure } from "./sign_in";

export function SetUp() {
  const [token] = useState(linkToken);
  const { draft, sending, text } = useForm(() => ({ name: "", email: "", password: "" }));
  const become = async (): Promise<void> => {
    await setUp(token, draft.email, draft.name, draft.password);
    go("/", { replace: true });
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
    <div class="narrow">
      <h1>Set up mailprobe</h1>
      <p>You become its administrator: you can add mailboxes and invite others.</p>
      <Insecure />
      <Form sending={sending} send={become} button="Set up">
        {text("name", "Your name", { autocomplete: "name", required: true, autofocus: true })}
        {text("email", "E-mail address", { type: "email", autocomplete: "username", required: true })}
        {text("password", "Password", NEW_PASSWORD)}
      </Form>
    </div>
  );
}
