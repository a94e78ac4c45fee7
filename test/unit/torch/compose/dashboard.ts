import type { ComposeModel } from "../../../../src/torch/compose/model.ts";

/** As `docker compose config --format json` printed a file with a helper, a shared network and every kind of mount. */
export const DASHBOARD: ComposeModel = {
  name: "docker",
  services: {
    db: { image: "mysql", ports: [{ mode: "ingress", target: 3306, published: "3306" }], networks: { default: null } },
    "torch-dashboard": {
      image: "edrudi97/torch-dashboard:v0.1.0",
      build: { context: "/src/dashboard" },
      container_name: "torch-dashboard",
      depends_on: { db: { condition: "service_started" } },
      environment: { BPMN_ENGINE: "http://192.168.1.5:8080/", APP_URL: "http://localhost:8005" },
      network_mode: "host",
      networks: { torch: null },
      ports: [
        { mode: "ingress", target: 8000, published: "8005", protocol: "tcp" },
        { mode: "ingress", host_ip: "0.0.0.0", target: 5173, published: "5173", protocol: "tcp" },
      ],
      volumes: [
        { type: "bind", source: "/src/keys/ca.crt", target: "/creds/ca.crt" },
        { type: "volume", source: "db", target: "/var/lib" },
      ],
    },
  },
  networks: { default: { name: "docker_default" }, torch: { name: "torch", external: true } },
  volumes: { db: { name: "docker_db", driver: "local" }, shared: { name: "shared", external: true } },
};

/** The dashboard's image, as the guide names it. */
export const IMAGE = "edrudi97/torch-dashboard:v0.1.0";

/** How it is built. */
export const BUILD = { context: "/src/dashboard" };
