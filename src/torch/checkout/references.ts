import { entriesOf, fieldOf } from "../compose/fields.ts";

/** A file that a compose file has compose read, and the key that names it. */
export interface FileReference {
  /** `services.web.env_file`. */
  readonly key: string;
  readonly path: string;
  /** Whether it is a compose file, which may name others. */
  readonly composes: boolean;
}

/** What a compose file has compose read. */
export interface FileReferences {
  readonly files: readonly FileReference[];
  /** The project folders of what is included: paths there, and their `.env`, start at these. */
  readonly folders: readonly { readonly key: string; readonly path: string }[];
}

/** The files that compose itself reads for a compose file; what it mounts is looked at elsewhere. */
export function listReferences(value: unknown): FileReferences {
  const includes = listOf(fieldOf(value, "include"));
  return {
    files: [
      ...includes.flatMap((include) => [
        ...refer("include", include, true),
        ...refer("include.path", fieldOf(include, "path"), true),
        ...refer("include.env_file", fieldOf(include, "env_file"), false),
      ]),
      ...entriesOf(fieldOf(value, "services")).flatMap(([name, service]) => listOfService(`services.${name}`, service)),
    ],
    folders: includes.flatMap((include) =>
      textsOf(fieldOf(include, "project_directory")).map((path) => ({ key: "include.project_directory", path })),
    ),
  };
}

function listOfService(key: string, service: unknown): readonly FileReference[] {
  return [
    ...refer(`${key}.extends`, fieldOf(fieldOf(service, "extends"), "file"), true),
    ...["env_file", "label_file"].flatMap((field) =>
      listOf(fieldOf(service, field)).flatMap((each) => [
        ...refer(`${key}.${field}`, each, false),
        ...refer(`${key}.${field}`, fieldOf(each, "path"), false),
      ]),
    ),
  ];
}

function refer(key: string, paths: unknown, composes: boolean): readonly FileReference[] {
  return textsOf(paths).map((path) => ({ key, path, composes }));
}

/** A list; compose takes a single value for a list of one. */
function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return value === undefined || value === null ? [] : [value];
}

function textsOf(value: unknown): readonly string[] {
  return listOf(value).filter((each) => typeof each === "string");
}
