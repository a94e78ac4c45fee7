import type { Addition } from "./plan.ts";

/** Something that the reviewer of an update must know. */
export interface Remark {
  /** Whether a person has to decide it. */
  readonly needsReview: boolean;
  /** One line of Markdown. */
  readonly text: string;
}

const MAX_QUOTE = 160;

/** A foreign text as a code span: nothing in it is Markdown, and an @ in it notifies nobody. */
export function quote(text: string): string {
  const line = text.replaceAll(/[`\s]+/g, " ").trim();
  return `\`${line.length > MAX_QUOTE ? `${line.slice(0, MAX_QUOTE)}...` : line}\``;
}

/** The text of the pull request with an update, in Markdown. */
export function renderReport(addition: Addition, remarks: readonly Remark[]): string {
  const news = describeNews(addition);
  const parts = [
    news.length === 0 ? "Nothing is new: the catalog is unchanged." : section("What is new", news),
    section(
      "Needs review",
      remarks.filter(({ needsReview }) => needsReview).map(({ text }) => text),
    ),
    section(
      "Contradictions in release notes, decided by their list",
      remarks.filter(({ needsReview }) => !needsReview).map(({ text }) => text),
    ),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function describeNews({ releases, findings }: Addition): readonly string[] {
  const news = releases.map(({ version, released, images, loadBalancer }) => {
    const notes = `https://github.com/kubernetes-sigs/kind/releases/tag/v${version}`;
    const kubernetes = images.map((image) => image.kubernetes).join(", ");
    const balancer = loadBalancer === undefined ? "no load balancer" : `the load balancer ${quote(loadBalancer)}`;
    return `[kind ${version}](${notes}) of ${released}, with Kubernetes ${kubernetes} and ${balancer}`;
  });
  const sums = (["kind", "kubectl"] as const).flatMap((tool) => {
    const versions = new Set(findings.filter((finding) => finding.tool === tool).map(({ version }) => version));
    if (versions.size === 0) return [];
    return [`Checksums of ${tool} ${[...versions].join(", ")}, each compared with the binary itself`];
  });
  return [...news, ...sums];
}

function section(title: string, items: readonly string[]): string {
  return items.length === 0 ? "" : `## ${title}\n\n${items.map((item) => `- ${item}`).join("\n")}`;
}
