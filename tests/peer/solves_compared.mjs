// Whole solves by both: whether there is an answer, and which versions it holds.
const state = answer => 'packages' in answer ? 'packages' : 'none' in answer ? 'none' : 'refused';
// "Foo[version=1]" asks for foo.
export const nameOf = spec => (/^[A-Za-z0-9_.-]+/.exec(spec)?.[0] ?? '').toLowerCase();

// Names that are chosen after all others that are asked for (docs/resolver.md, "What is best").
const interpreters = ['python', 'pypy', 'r-base', 'perl'];

const lines = answer => answer.packages.map(one => `${one.name} ${one.version} ${one.build}`).sort();

// What a kind of requests came to: of requests, and of packages where both have an answer.
export class Agreement {
    requests = 0;       // asked of both
    answered = 0;       // of these, with an answer by both
    sameVersions = 0;   // of these, with the same versions of everything
    packages = 0;       // of the answers, those of either
    samePackages = 0;   // of these, with the same version in both
    sameBuilds = 0;     // of these, the very same package
    fewer = 0;          // answers of ours with fewer packages than the peer's
    more = 0;
    disagreed = 0;      // an answer by one side only, for a known reason
    reasons = {};       // how versions differ: in how many answers

    get withoutAnswer() { return this.requests - this.answered - this.disagreed; }

    // Percent of the requests to which both say the same: no answer, or the same versions.
    get ofRequests() { return 100 * (this.withoutAnswer + this.sameVersions) / this.requests; }
    get ofAnswers() { return 100 * this.sameVersions / this.answered; }
    get ofPackages() { return 100 * this.samePackages / this.packages; }

    add(ours, peer) {
        this.answered += 1;
        const theirs = new Map(peer.packages.map(one => [one.name, one]));
        const same = ours.packages.filter(one => theirs.get(one.name)?.version === one.version);
        const all = new Set([...theirs.keys(), ...ours.packages.map(one => one.name)]).size;
        this.packages += all;
        this.samePackages += same.length;
        this.sameBuilds += same.filter(one => theirs.get(one.name).build === one.build).length;
        if (ours.packages.length !== peer.packages.length)
            this[ours.packages.length < peer.packages.length ? 'fewer' : 'more'] += 1;
        if (same.length === all) this.sameVersions += 1;
        return same.length === all;
    }

    because(reason) { this.reasons[reason] = (this.reasons[reason] ?? 0) + 1; }

    merge({reasons, ...counts}) {
        for (const key of Object.keys(counts)) this[key] += counts[key];
        for (const key of Object.keys(reasons)) this.reasons[key] = (this.reasons[key] ?? 0) + reasons[key];
    }

    toString() {
        const percent = value => Number.isNaN(value) ? '-' : value.toFixed(1) + ' %';
        const reasons = Object.entries(this.reasons).map(([reason, count]) => `${count} times ${reason}`).join('; ');
        return `${this.requests} requests, ${this.answered} with an answer by both, ` +
               `${this.withoutAnswer} by neither, ${this.disagreed} by one; ${percent(this.ofRequests)} answered alike ` +
               `(${percent(this.ofAnswers)} of those with an answer); ` +
               `${this.packages} packages, ${percent(this.ofPackages)} in the same version, ` +
               `${percent(100 * this.sameBuilds / this.packages)} the same build; ours has fewer packages ` +
               `${this.fewer} times, more ${this.more} times` +
               (reasons ? `; where versions differ, ours has ${reasons}` : '');
    }
}

export class Solves {
    #ours; #peer; #tally; #verbose;
    constructor({ours, peer, tally, verbose}) {
        this.#ours = ours;
        this.#peer = peer;
        this.#tally = tally;
        this.#verbose = verbose;
    }

    // A request to both. They must agree on whether there is an answer, but for specs that are known to be read
    // differently. Where versions differ, each must take the other's answer for a sound one.
    async compare(agreement, name, question) {
        const {ours, peer} = await this.#ask(question);
        agreement.requests += 1;
        if (state(ours) !== state(peer)) {
            agreement.disagreed += 1;
            return void await this.#explain(name, question, ours, peer);
        }
        this.#tally.check(true);
        if (state(ours) !== 'packages' || agreement.add(ours, peer)) return;
        const {reason, better} = this.#reason(question, ours, peer);
        agreement.because(reason);
        if (this.#verbose) this.#show(`${name} (${reason})`, question, ours, peer);
        const {faults} = await this.#ours.ask({...question, ask: 'faults', files: peer.packages.map(one => one.file)});
        const sound = this.#tally.check(faults.length === 0,
                                        () => `${name}: the peer's answer is not sound to us: ${faults.join('; ')}`);
        if (sound) this.#tally.check(better, () => `${name}: the peer's answer is the better by our order: ${reason}`);
        const exact = ours.packages.map(one => `${one.name} ==${one.version} ${one.build}`);
        const taken = await this.#peer.solve({...question, specs: [...question.specs, ...exact]});
        this.#tally.check(state(taken) === 'packages' && lines(taken).join() === lines(ours).join(),
                          () => `${name}: our answer is not sound to the peer: ${JSON.stringify(taken).slice(0, 400)}`);
    }

    // Why versions differ, and whether ours is no worse by our order: of the names that are asked for, interpreters
    // last, the first whose version differs is newer in ours.
    #reason({specs}, ours, peer) {
        const versions = [ours, peer].map(answer => new Map(answer.packages.map(one => [one.name, one.version])));
        const order = name => versions.every(of => of.has(name)) ? this.#peer.order(versions.map(of => of.get(name))) : 0;
        const newer = name => order(name) > 0;
        const last = name => interpreters.includes(name);
        const asked = [...new Set(specs.map(nameOf))].filter(name => order(name) !== 0);
        asked.sort((a, b) => last(a) - last(b) || (a < b ? -1 : 1));
        const better = asked.length === 0 || newer(asked[0]);

        const libraries = asked.filter(name => !last(name));
        const what = libraries.length === 0 ? 'the same'
                   : libraries.every(newer) ? 'newer'
                   : libraries.some(newer)  ? 'newer and older'
                                            : 'older';
        const python = {'-1': 'an older', 0: 'the same', 1: 'a newer'}[order('python')];
        return {reason: `${what} versions of what is asked for and ${python} Python`, better};
    }

    // One spec alone, as a difference of specs.
    async compareSpec(question) {
        const {ours, peer} = await this.#ask(question);
        const found = answer => state(answer) === 'packages' ? lines(answer) : state(answer);
        this.#tally.compareFound(question.specs, found(ours), found(peer));
        return ours;
    }

    async #ask(question) {
        const asked = [this.#ours.ask({...question, ask: 'solve'}), this.#peer.solve(question)];
        const [ours, peer] = await Promise.all(asked);
        return {ours, peer};
    }

    // An answer by one side alone: of the specs, one must be known to be read differently.
    async #explain(name, question, ours, peer) {
        let differing = 0;
        for (const spec of question.specs) {
            const alone = await this.#ask({...question, specs: [spec]});
            if (state(alone.ours) === state(alone.peer)) continue;
            this.#tally.compare('spec', [spec], state(alone.ours), state(alone.peer));
            differing += 1;
        }
        const told = answer => JSON.stringify(answer).slice(0, 600);
        this.#tally.check(differing > 0, () => `${name}: ours ${told(ours)}\n    the peer's ${told(peer)}\n    for ` +
                                               JSON.stringify(question.specs));
    }

    #show(name, question, ours, peer) {
        const mine = new Set(lines(ours)), theirs = new Set(lines(peer));
        console.error(`  ${name}: ${question.specs.join(', ')}`);
        console.error(`    ours   ${[...mine].filter(one => !theirs.has(one)).join(', ')}`);
        console.error(`    peer's ${[...theirs].filter(one => !mine.has(one)).join(', ')}`);
    }
}
