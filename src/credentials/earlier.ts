/** The credentials that an earlier step of the job issued for a user of its own cluster. */
export interface EarlierCredentials {
  readonly cluster: string;
  readonly user: string;
  /** Where that step put them. */
  readonly directory: string;
  /** PEM. */
  readonly ca: string;
  readonly certificate: string;
  /** PEM; a secret. */
  readonly privateKey: string;
}
