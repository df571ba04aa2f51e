// Takes out of uPlot, while the pages are built, what our one kind of chart never reaches: a third of its weight. It has
// times below and linear values beside them, moves in step with no other chart, and its series stay what they were. No
// bundler can tell that from options.

import { createHash } from "node:crypto";
import type { Plugin } from "vite";

// The source that was read for this. Of another it is to be asked anew what is reached.
const READ_SHA256 = "5dd9b3281aa64b461b42d9945f6adb2649d346502b12281a9ae0d46599a80eba";

const NEVER_CALLED = [
  ...["rangeLog", "rangeAsinh", "logAxisSplits", "asinhAxisSplits", "log10AxisValsFilt", "log2AxisValsFilt"],
  ...["timeAxisVals", "timeAxisStamps", "timeSeriesVal", "timeSeriesStamp", "fmtDate"], // times are written by ourselves
];

const CHANGES: readonly (readonly [what: RegExp, instead: string])[] = [
  // What is offered beside the chart itself: joins, bars, splines, steps.
  [/\nuPlot\.assign = assign;.*(?=\nexport )/gs, "\n"],
  [new RegExp(`\\nfunction (${NEVER_CALLED.join("|")})\\(.*?\\n\\}\\n`, "gs"), "\nfunction $1() {}\n"],
  // Scales are linear, the horizontal one from left to right.
  [/\b(?:\w+\.)?(?:xScale)?distr +== +(?:2|3|4|100)\b/gi, "false"],
  [/\bsc\.distr >= 3\b/g, "false"],
  [/\bsc\.distr == 1\b/g, "true"],
  [/\b(?:scaleX|sx)\.ori == 0\b/g, "true"],
  [/\bscaleX\.ori == 1\b/g, "false"],
  [/\bconst dir = scaleX\.dir \* .*;/g, "const dir = 1;"],
  [/\b(?:sc|scale)\.dir == -1\b/g, "false"],
  // Both ranges are functions of ours.
  [/\n\t\t\t\tif \(scaleKey != xScaleKey \|\| .*?\n\t\t\t\t\}\n/gs, "\n"],
  [/\bsc\.range = .*?\)\);\n/gs, "sc.range = rn;\n"],
  // Ticks of time are ours to write; what ends a range below is never asked.
  [/\nconst engNames = \{.*?\n\};|\nconst (?:days3|months3|localTz) = [^\n]*|\ngenIncrs\(2, [^\n]*/gs, ""],
  [/(?<=\tconst _timeAxisStamps = \[).*?(?=\n\t\];)/gs, ""],
  [/\nconst font      = .*/g, "\nconst font = '12px system-ui, sans-serif';"],
  // Every series has the same times, which are seconds.
  [/\bmode == 1\b/g, "true"],
  [/\bmode == 2\b/g, "false"],
  [/\bopts\.ms \|\| 1e-3/g, "1e-3"],
  [/\nconst \[ timeIncrsMs.*\n/g, "\nlet timeIncrsMs, _timeAxisStampsMs, timeAxisSplitsMs;\n"],
  // The cursor tells no other chart, is told by none, and brings no series forward.
  [/\bsrc != null\b/g, "false"],
  [/\bsrc == null\b/g, "true"],
  [/\be != null\b/g, "true"],
  [/\n\tfunction pubSync\(.*?\n\t\}\n/gs, "\n\tfunction pubSync() {}\n"],
  [/\n\tevents\["setSeries"\] = .*?\n\t\};\n/gs, "\n"],
  [/\n\tself\.(?:pub|addSeries|delSeries) = .*/g, ""],
  [/\n\tconst sync = _sync\(syncKey\);|\n\tsync\.sub\(self\);|\n\t\tsync\.unsub\(self\);/g, ""],
  [/\bsyncOpts\.key;/g, "null;"],
  [/\bfocus\.prox >= 0;/g, "false;"],
  // The legend says one value of each series.
  [/\n\t\tmultiValLegend = .*/g, ""],
  // There are no plugins, and nothing holds the cursor.
  [/\n\t\(opts\.plugins .*?\n\t\}\);/gs, ""],
  [/\bcursor\._lock\b(?! =)|\bcursor\.lock\b/g, "false"],
  // Shown is: the legend with values, the cursor, what is dragged over, ticks and grid; no border, label or title.
  [/\b(?:showLegend|showCursor|(?:legend|select|markers|ticks|grid)\.show|legend\.live)\b(?! =)/g, "true"],
  [/\b(?:border\.show|opts\.title)\b|\baxis\.label != null|\bopts\.id != null/g, "false"],
  // Axes are at the foot and at the left, their words upright.
  [/\bside === ?[01]\b|\bside == [01]\b(?! &&)/g, "false"],
  [/(?<=\blet angle += ).*(?=;)/g, "0"],
  // No scale is made from another.
  [/\b(?:sc|wsc|scaleOpts)\.from != null/g, "false"],
  [/\b(?:sc|wsc|scaleOpts)\.from == null/g, "true"],
  // Lines have one colour all along and are wholly there, gaps are gaps, and rectangles have corners.
  [/\b\w+ instanceof Map\b/g, "false"],
  [/\bctxAlpha != (?:s\.alpha|_ctxAlpha)/g, "false"],
  [/(?<=\blet shouldAlpha = ).*(?=;)/g, "false"],
  [/\bseries\.spanGaps\b/g, "false"],
  [/(?<=\blet withProx += ).*(?=;)/g, "false"],
  [/\n\tlet arcTo = ori == 0 .*?\n\t\};\n/gs, "\n\treturn (p, x, y, w, h) => { p.rect(x, y, w, h); };\n"],
  [/\bori == 0 \? rectH : rectV\b/g, "rectH"],
  [/\nconst rectV .*/g, ""],
  // Nothing is done to a chart but drawing it in another size, or closer.
  [/\n\tself\.(?:batch|setData|setCursor|setLegend|setSelect|setSeries) = \w+;/g, ""],
  [/\n\tself\.redraw = .*?\n\t\};/gs, ""],
  // Only times are dragged over.
  [/\bdragY = drag\.y && .*/g, "dragY = false;"],
];

export function linesOnly(): Plugin {
  return {
    name: "mailprobe-lines-only",
    transform(code, id) {
      if (!id.endsWith("uPlot.esm.js")) return null;
      if (createHash("sha256").update(code).digest("hex") !== READ_SHA256) throw new Error("uPlot is another one now: look what linesOnly takes out of it");
      return { code: CHANGES.reduce((kept, [what, instead]) => kept.replace(what, instead), code), map: null };
    },
  };
}
