// Builds what the gateway serves: hashed files, each also compressed, and the list of addresses that are pages.

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";
import { linesOnly } from "./uplot_lines";

const BUILT = "../services/api_gateway/pages/built";
// What is smaller gains nothing: the headers weigh more.
const SMALLEST_BYTES = 600;

export default defineConfig({
  // Calls of h() are less to fetch than those of the automatic runtime, and otherwise the same.
  oxc: { jsx: { runtime: "classic", pragma: "h", pragmaFrag: "Fragment" }, jsxInject: 'import { Fragment, h } from "preact"' },
  build: {
    outDir: BUILT,
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // the policy of the pages knows no inlined scripts or styles
    // Two pieces are fetched later, each by itself: neither has styles or imports to be fetched ahead of it.
    modulePreload: false,
    cssCodeSplit: false,
    reportCompressedSize: false,
  },
  plugins: [plainImports(), linesOnly(), pageAddresses(), compressed()],
  // `npx vite` beside a running gateway: pages from here, the API from there.
  server: { proxy: { "/api": "http://127.0.0.1:8080" } },
});

/** Fetching a piece later is the browser's own import: there is nothing to be fetched ahead of one. */
function plainImports(): Plugin {
  return {
    name: "mailprobe-plain-imports",
    enforce: "pre",
    load: (id) => (id.includes("vite/preload-helper") ? "export const __vitePreload = (load) => load();" : null),
  };
}

/** The addresses of src/pages/index.ts, for the gateway: these are pages, others are not found. */
function pageAddresses(): Plugin {
  return {
    name: "mailprobe-page-addresses",
    apply: "build",
    generateBundle() {
      const source = readFileSync("src/pages/index.ts", "utf8");
      const addresses = [...source.matchAll(/\bpath: "([^"]+)"/g)].map((found) => found[1]);
      if (addresses.length === 0) throw new Error("src/pages/index.ts names no pages");
      this.emitFile({ type: "asset", fileName: "pages.json", source: JSON.stringify(addresses) });
    },
  };
}

/** Each text also as .gz and .br, so that nothing is compressed while somebody waits. */
function compressed(): Plugin {
  return {
    name: "mailprobe-compressed",
    apply: "build",
    closeBundle() {
      if (!existsSync(BUILT)) return; // the build failed before
      for (const entry of readdirSync(BUILT, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || !/\.(js|css|html|svg)$/.test(entry.name)) continue;
        const path = join(entry.parentPath, entry.name);
        const content = readFileSync(path);
        if (content.length < SMALLEST_BYTES) continue;
        writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
        writeFileSync(`${path}.br`, brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
      }
    },
  };
}
