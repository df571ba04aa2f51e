// A page whose code is fetched when it is first opened, so that the first page of all is there sooner.

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiProblem } from "../api/client";
import { Problem } from "./problem";

type Pages = typeof import("../pages/later");

export function laterPage(name: keyof Pages): ComponentType<any> {
  return function LaterPage(props: object) {
    const [found, setFound] = useState<{ page: ComponentType<any> } | null>(null);
    const [problem, setProblem] = useState<ApiProblem | null>(null);
    useEffect(() => {
      import("../pages/later").then(
        (pages) => setFound({ page: pages[name] }),
        () => setProblem(new ApiProblem(0, "This page could not be fetched; mailprobe may have been updated.")),
      );
    }, []);
    if (!found) return <Problem problem={problem} again={() => location.reload()} />;
    return <found.page {...props} />;
  };
}
