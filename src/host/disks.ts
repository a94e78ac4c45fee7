/** How much room there is in a folder. */
export interface FreeDisk {
  readonly folder: string;
  readonly bytes: number;
}

/** What is free where Docker keeps its data; `undefined` where that cannot be seen. */
export interface FreeDisks {
  readonly images: FreeDisk | undefined;
  /** Where volumes lie (a node's /var); `undefined` too where that is on the disk of the images. */
  readonly volumes: FreeDisk | undefined;
}
