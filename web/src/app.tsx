// The frame around every page: who is signed in, the way to the other pages, and the page of this address.

import { useEffect, useRef, useState } from "preact/hooks";
import { acting, actFor } from "./acting";
import { ApiProblem, wordsOf } from "./api/client";
import { pages } from "./pages";
import { SignIn } from "./pages/sign_in";
import { Dialog } from "./parts/dialog";
import { Fallback } from "./parts/fallback";
import { KeyList, useKeys } from "./parts/keys";
import { Notices, attempt } from "./parts/notices";
import { Organizations } from "./parts/organizations";
import { Problem } from "./parts/problem";
import { matched, path } from "./routing";
import { loadSession, session, signOut } from "./session";
import { type Theme, chooseTheme, theme } from "./theme";

export function App() {
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const load = (): void => {
    setProblem(null);
    loadSession().catch((error: unknown) => setProblem(error instanceof ApiProblem ? error : new ApiProblem(0, wordsOf(error))));
  };
  useEffect(load, []);
  if (problem) {
    return (
      <main class="narrow">
        <h1>mailprobe</h1>
        <Problem problem={problem} again={load} />
        {acting !== null && (
          <button type="button" onClick={() => actFor(null, "/")}>
            Back to your own organization
          </button>
        )}
      </main>
    );
  }
  if (session.value === null) return null;
  return (
    <>
      <a class="skip" href="#main">
        Skip to the page
      </a>
      {session.value.authenticated && <Top />}
      <CurrentPage />
      <Notices />
    </>
  );
}

function CurrentPage() {
  const main = useRef<HTMLElement>(null);
  const here = path.value;
  const found = pages.map((page) => ({ page, values: matched(page.path, here) })).find(({ values }) => values !== null);
  const mayShow = session.value?.authenticated || found?.page.open;
  const title = !found ? "No such page" : mayShow ? found.page.title : "Sign in";
  const first = useRef(true);
  useEffect(() => {
    document.title = `${title} · mailprobe`;
    // Whoever reads by ear hears of the new page; at the start the browser does that itself.
    if (!first.current) main.current?.focus();
    first.current = false;
  }, [here, mayShow]);
  return (
    <main id="main" tabIndex={-1} ref={main}>
      <Fallback key={here}>{!found ? <NoSuchPage /> : mayShow ? <found.page.component {...found.values} /> : <SignIn />}</Fallback>
    </main>
  );
}

function NoSuchPage() {
  return (
    <div class="narrow">
      <h1>No such page</h1>
      <p>
        There is nothing at this address. <a href="/">All monitors</a> are a good place to begin.
      </p>
    </div>
  );
}

function Top() {
  const [keysShown, showKeys] = useState(false);
  useKeys([{ key: "?", does: "Show this list", act: () => showKeys(true) }]);
  const known = session.value;
  return (
    <header class="top">
      <a class="brand" href="/">
        mailprobe
      </a>
      <nav aria-label="Pages">
        {pages
          .filter((page) => page.menu && page.isFor?.() !== false)
          .map((page) => (
            <a key={page.path} href={page.path} aria-current={matched(page.path, path.value) ? "page" : undefined}>
              {page.menu}
            </a>
          ))}
      </nav>
      {known?.user?.globalRole && <Organizations here={pages.find(({ menu, path: at }) => menu && at === path.value)?.path ?? "/"} />}
      <details class="me">
        <summary>{known?.user?.name || known?.user?.email || "Account"}</summary>
        <div>
          {known?.organization && <p class="faint">{known.organization.name}</p>}
          <label>
            Theme{" "}
            <select value={theme.value} onChange={(event) => chooseTheme(event.currentTarget.value as Theme)}>
              <option value="system">As the system</option>
              <option value="light">Light</option>
              <option value="dark">Dark</option>
            </select>
          </label>
          <a href="/account">Your account</a>
          <button type="button" onClick={() => showKeys(true)}>
            Keyboard
          </button>
          <button type="button" onClick={() => void attempt(signOut)}>
            Sign out
          </button>
        </div>
      </details>
      {keysShown && (
        <Dialog title="Keyboard" onClose={() => showKeys(false)}>
          <KeyList />
        </Dialog>
      )}
    </header>
  );
}
