import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { maskText } from "../../runner/mask.ts";
import type { Visited } from "../clients/browser.ts";
import { type Dashboard, openDashboard } from "../clients/dashboard.ts";
import { accountPasswordPath } from "../stack/secrets.ts";
import { explainError } from "./explain.ts";
import { type Application, checkGraph, listApplications, readGraph } from "./graph.ts";
import { pointCsar } from "./point-at-cluster.ts";
import type { DeploymentRequest, DeploymentTools } from "./request.ts";

/** A template that the dashboard has validated and created, and not launched yet. */
export interface CreatedTemplate {
  readonly dashboard: Dashboard;
  /** The page that lists it. */
  readonly list: Visited;
  /** Those of its nodes that become Deployments. */
  readonly applications: readonly Application[];
}

/**
 * Registers an account, and validates and creates the template, as a person would. It needs only the dashboard.
 * @throws Failure with the dashboard's words.
 */
export async function createTemplate(request: DeploymentRequest, tools: DeploymentTools): Promise<CreatedTemplate> {
  const { csar, urls, placed, access } = request;
  const { log, timeline, signal } = tools;
  const { template, nodes } = csar;
  return await timeline.measure("Register and validate the template", async () => {
    const dashboard = openDashboard(urls.dashboard, signal);
    const password = randomBytes(18).toString("base64url");
    maskText(password);
    await writeFile(accountPasswordPath(request.runDirectory), password, { mode: 0o600 });
    // A dashboard may keep its accounts for longer than one run.
    const name = `kind-torch-${randomBytes(4).toString("hex")}`;
    const file = pointCsar(csar, placed, access);
    try {
      const home = await dashboard.register({ name, email: `${name}@example.org`, password });
      const validated = await dashboard.validate({ name: template, ...file }, home);
      const graph = readGraph(validated.graph);
      checkGraph(graph, csar);
      const list = await dashboard.create(template, validated);
      log.info(`Template ${template} registered and validated: ${nodes.join(", ")}`);
      return { dashboard, list, applications: listApplications(graph) };
    } catch (error) {
      throw await explainError(error, request, tools, ["dashboard"]);
    }
  });
}
