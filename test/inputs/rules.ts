/** A message, and the words of docs/validation.md that announce it. */
export interface Rule {
  readonly says: RegExp;
  readonly documented: string;
}

/** What this Action refuses of a kind configuration although kind accepts it. */
export const REFUSALS: readonly Rule[] = [
  {
    says: /cannot be a cluster's name/,
    documented: "A malformed number, duration, name, version, address, URL or image reference",
  },
  {
    says: /is not a full image reference/,
    documented: "A malformed number, duration, name, version, address, URL or image reference",
  },
  {
    says: /contradicts kind-config|contradicts the image/,
    documented: "Inputs that contradict each other or the kind configuration",
  },
  {
    says: /has a second YAML document|is larger than 100 kB|more than 100 aliases|more than 64 levels deep/,
    documented: "More than one document, more than 100 kB, more than 100 aliases or more than 64 levels",
  },
  {
    says: /is not a label key|is not a DNS name|Kubernetes reserves|is a label with an invalid value/,
    documented: "A label that the kubelet refuses",
  },
  { says: /does not exist \(|goes through a file/, documented: "A mount of a path that does not exist" },
  {
    says: /is already in use on this machine|asks for port \d+ of this machine/,
    documented: "A port in the kind configuration that something already listens on, or that two places of it ask for",
  },
  {
    says: /overlap, so one address could be used twice/,
    documented: "Subnets for pods, Services and kind's Docker network that overlap",
  },
  {
    says: /is not an address of this machine|this machine does not have IPv6/,
    documented: "An address for the API server that this machine does not have",
  },
  {
    says: /would have a hostname of \d+ characters/,
    documented: "A cluster name so long that a node's hostname would exceed 63 characters",
  },
  {
    says: /which the version skew policy does not allow/,
    documented: "Nodes with images newer than the API server, or more than three minors older",
  },
  {
    says: /has no containerPath|has no containerPort|is not an absolute path|is the root of the node|contains a colon/,
    documented: "A mount or a port mapping that Docker refuses",
  },
  {
    says: /which YAML readers treat differently/,
    documented: "A character that YAML's readers treat differently",
  },
  {
    says: /is not an IP address/,
    documented: "A port, an address, a subnet or an address family that is not valid",
  },
  {
    says: /cannot be written into kubeadm's configuration/,
    documented: "A feature gate or a runtime setting with quotes, backslashes or several lines",
  },
  {
    says: /has a (?:tag other than|directive or|key on |number that JSON|string in \[\])/,
    documented: "these are refused there, though kind may take some of them in some places",
  },
  {
    says: /has a tag (?:that|or an)|has an anchor whose name|has a : in/,
    documented: "A tag without a space after it",
  },
  { says: /has a key of more than/, documented: "a key of more than 1,000 characters" },
  { says: /has an unsupported tag/, documented: "A value with a tag of another type than its field's" },
  {
    says: /is not a mapping(?:: (?:~|[Nn]ull))?\. Allowed|is empty, and kind ignores it/,
    documented: "An empty item of a list",
  },
  { says: /\.key is empty/, documented: "An empty key, which `~` and `Null` are, too" },
  {
    says: /is not YAML: .*(?:Unexpected (?:\S+ at node end|\S+ token in YAML stream)|Comments must be separated|must be sufficiently indented|Missing closing|Missing , or :)/,
    documented: "YAML that is not valid, also where kind does not look",
  },
];

/** What kind refuses later, and this Action does not promise to check. */
export const UNCHECKED: readonly Rule[] = [
  { says: /failed to apply JSON 6902 patch/, documented: "whether an RFC 6902 patch fits the file that it changes" },
  { says: /failed to patch containerd config/, documented: "what containerd's patches say" },
  // A patch reaches kind as it is, the configuration does not.
  { says: /^(?!.*failed to parse patches).*found incompatible YAML document/s, documented: "`%YAML 1.2`" },
  {
    // The second is said of a tab behind a flow collection; what else cannot start a token is no YAML to us either.
    says: /^(?!.*failed to parse patches).*(?:found a tab character that violates indentation|found character that cannot start any token)/s,
    documented: "a tab on a line of its own",
  },
];
