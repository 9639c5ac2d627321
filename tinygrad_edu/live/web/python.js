// The interpreter as the page sees it: one question at a time, the newest run only, stopped by being replaced.

export class Python {
  constructor(script, files, { state, output }) {
    this.script = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    Object.assign(this, { files, state, output, waiting: new Map(), current: null });
    this.start();
  }

  start() {
    this.ready = false;
    this.state("loading");
    this.worker = new Worker(this.script);
    this.worker.onmessage = ({ data }) => this.heard(data);
    this.worker.onerror = (event) => this.heard({ failed: event.message || "its worker could not be started" });
    this.worker.postMessage({ files: this.files });
  }

  heard({ ready, failed, output, id, result }) {
    if (output !== undefined) return this.output(output);
    if (failed) {
      this.replace(failed);
    } else if (ready) {
      this.ready = true;
      this.state("ready");
    } else if (this.current && id === this.current.id) {
      const { resolve } = this.current;
      this.current = null;
      this.state("ready");
      resolve(result);
    }
    this.next();
  }

  // A question of a kind replaces one of the same kind that has not been put yet.
  ask(asked) {
    return new Promise((resolve) => {
      this.waiting.get(asked.kind)?.resolve(null);
      this.waiting.set(asked.kind, { id: crypto.randomUUID?.() ?? Math.random(), asked, resolve });
      this.next();
    });
  }

  next() {
    if (!this.ready || this.current || !this.waiting.size) return;
    const [kind, question] = this.waiting.entries().next().value;
    this.waiting.delete(kind);
    this.current = question;
    this.state("running", kind);
    if (kind === "run") this.output(null); // what was printed before is over
    this.worker.postMessage({ id: question.id, asked: question.asked });
  }

  stop() {
    this.replace(null);
  }

  // Without shared memory, which no page opened from a file has, a worker is interrupted by being ended.
  replace(reason) {
    this.worker.terminate();
    const question = this.current;
    const early = !this.ready && !question;
    this.current = null;
    if (early && reason && (this.failures = (this.failures || 0) + 1) > 1) return this.state("broken", reason);
    question?.resolve({ stopped: true, reason });
    this.start();
  }
}
