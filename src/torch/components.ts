/** TORCH-V2's parts: the dashboard (Laravel), the engine (Flowable REST) and the service layer (connectors and broker). */
export type ComponentName = "dashboard" | "engine" | "services";

/** What the guide says about a component; the checkout's compose file takes precedence. */
export interface Component {
  readonly name: ComponentName;
  /** Its name in messages. */
  readonly title: string;
  /** The port on which it listens in its container. */
  readonly containerPort: number;
  /** The port at which it is published on the host. */
  readonly hostPort: number;
  /** The repository of its image, which is no longer published. */
  readonly image: string;
  /** The folder that its image is built from, in the checkout. */
  readonly folder: string;
  /** The name of its compose file in the example's docker folder. */
  readonly composeFile: string;
}

/** A value for each component. */
export type PerComponent<T> = Readonly<Record<ComponentName, T>>;

/** The components, in the order in which the guide starts them. */
export const COMPONENTS: PerComponent<Component> = {
  dashboard: {
    name: "dashboard",
    title: "dashboard",
    containerPort: 8000,
    hostPort: 8005,
    image: "edrudi97/torch-dashboard",
    folder: "dashboard",
    composeFile: "docker-compose-torch-dashboard-solver.yaml",
  },
  engine: {
    name: "engine",
    title: "Flowable engine",
    containerPort: 8080,
    hostPort: 8080,
    image: "edrudi97/custom-flowable-rest",
    folder: "model/flowable",
    composeFile: "docker-compose-flowable-rest-solver.yaml",
  },
  services: {
    name: "services",
    title: "service layer",
    containerPort: 9000,
    hostPort: 9000,
    image: "edrudi97/torchservices",
    folder: "service-layer",
    composeFile: "docker-compose-torchservices-solver.yaml",
  },
};

/** Makes a value for each component. */
export function forEachComponent<T>(make: (component: Component) => T): PerComponent<T> {
  return {
    dashboard: make(COMPONENTS.dashboard),
    engine: make(COMPONENTS.engine),
    services: make(COMPONENTS.services),
  };
}
