// The peer: rattler, as npm's @conda-org/rattler.
import {webcrypto} from 'node:crypto';
import {createRequire} from 'node:module';

// rattler draws random numbers from it; node 18, which Debian 12 has, does not show it by itself.
globalThis.crypto ??= webcrypto;

export class Peer {
    #rattler;
    constructor(folder) { this.#rattler = createRequire(folder + '/')('@conda-org/rattler'); }

    // -1, 0, 1; null where one of them is refused.
    order([a, b]) {
        const [left, right] = [this.#version(a), this.#version(b)];
        const answer = left && right ? left.compare(right) : null;
        left?.free();
        right?.free();
        return answer;
    }

    // true, false; null where the spec or the version is refused.
    match([text, versionText], strictness) {
        const version = this.#version(versionText);
        let answer = null;
        try {
            const spec = new this.#rattler.VersionSpec(text, strictness);
            if (version) answer = spec.matches(version);
            spec.free();
        } catch {
            answer = null;
        }
        version?.free();
        return answer;
    }

    // As peer_answers has it: {packages}, {none} or {refused}; throws where the channel could not be read. The virtual
    // packages of the channel are left out of the answer.
    async solve({channels, specs}) {
        let solved;
        try {
            solved = await this.#rattler.simpleSolve(specs, channels, ['linux-64', 'noarch'], undefined);
        } catch (error) {
            const text = String(error?.message ?? error);
            if (text.startsWith('Cannot solve the request')) return {none: text};
            if (/fetch|http|url|repodata/i.test(text)) throw new Error(text);
            return {refused: text};
        }
        const packages = solved.map(one => ({
            name: one.packageName, version: one.version, build: one.build, number: Number(one.buildNumber),
            file: one.filename,
        }));
        return {packages: packages.filter(one => !one.name.startsWith('__'))};
    }

    #version(text) {
        try {
            return new this.#rattler.Version(text);
        } catch {
            return null;
        }
    }
}
