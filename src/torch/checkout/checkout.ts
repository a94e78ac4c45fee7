import type { PerComponent } from "../components.ts";
import type { FoundService } from "../compose/service.ts";

/** A checkout of TORCH-V2, looked through: everything that a boot needs is there. */
export interface Checkout {
  readonly root: string;
  readonly components: PerComponent<CheckedComponent>;
  /** Path of the zip of BPMN plans. */
  readonly plans: string;
}

/** A checkout with the bytes that were checked of it: once its containers run, they may change its files. */
export interface CheckedCheckout extends Checkout {
  /** The zip of BPMN plans. */
  readonly planBytes: Buffer;
}

/**
 * A component as its checkout has it: its compose file as compose itself reads it (variables replaced, paths absolute), with
 * its own service there; other services are its helpers.
 */
export interface CheckedComponent extends FoundService {
  readonly composeFile: string;
  readonly build: BuildSource;
}

/** What an image is built from. */
export interface BuildSource {
  readonly context: string;
  readonly dockerfile: string;
  readonly args: Readonly<Record<string, string>>;
  readonly target: string | undefined;
}
