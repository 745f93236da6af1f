// What a dashboard does with the API, through a client whose types are generated from the OpenAPI document.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

const [baseUrl, token] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl, headers: { Authorization: `Token ${token}` } });

const projection = await client.GET("/api/v1/projection/", {
  params: { query: { granularity: "fiscal_year" } },
});
const years = Object.fromEntries(projection.data!.points.map((point) => [point.label, point.cumulative]));

const waves: components["schemas"]["Wave"][] = [];
let cursor: string | undefined;
do {
  const page = await client.GET("/api/v1/waves/", {
    params: { query: { status: "planned", page_size: 5, cursor } },
  });
  waves.push(...page.data!.results);
  const next: string | null | undefined = page.data!.next;
  cursor = next ? (new URL(next).searchParams.get("cursor") ?? undefined) : undefined;
} while (cursor);

const change = async (version: string, dryRun: boolean) =>
  client.PATCH("/api/v1/waves/{code}/", {
    params: { path: { code: "nta-1" }, query: { dry_run: dryRun }, header: { "If-Match": `"${version}"` } },
    body: { cutover: "R9.1", reason: "連絡" },
  });
const read = await client.GET("/api/v1/waves/{code}/", { params: { path: { code: "nta-1" } } });
const tried = await change(read.data!.version, true);
const changed = await change(read.data!.version, false);
const late = await change(read.data!.version, false);
const wide = await client.GET("/api/v1/waves/{code}/", {
  params: { path: { code: "moj-1" }, query: { expand: "ministry" } },
});
const ministry = wide.data!.ministry;
const undated = await client.GET("/api/v1/rollouts/{code}/", { params: { path: { code: "mof" } } });

console.log(
  JSON.stringify({
    years,
    waves: waves.map((wave) => wave.code),
    tried: "changes" in tried.data!,
    changed: "cutover" in changed.data! ? changed.data.cutover?.text : null,
    late: [late.response.status, late.error?.type],
    english: "name_en" in ministry ? ministry.name_en : null,
    unknown_users: undated.data!.count.users,
  }),
);
