// The differences that are known, each with its reason (differences.json), and the tally of what was found. A
// difference that no row explains fails, and so does a row that explains nothing any more.
//
// A row: {"of": "order" | "match" | "spec", "ours": …, "peer": …, "text": regular expression, "why": …}. The text
// that it is held against is "VERSION VERSION", "CLAUSE VERSION" or "SPEC"; versions in one spelling (plain). A row
// with "corpus" occurs only where the corpus is there, with all its files.
import {readFileSync} from 'node:fs';

// "1.RC1" and "01.0rc1" are one text: "1.0rc1".
const plain = text => text.toLowerCase().replaceAll('-', '_').replace(/(?<![0-9])0+(?=[0-9])/g, '')
                          .replace(/(?<=[._])(?=[a-z])/g, '0');
const normal = {
    order: (a, b) => `${plain(a)} ${plain(b)}`,
    match: (a, b) => `${plain(a)} ${plain(b)}`,
    spec: text => text,
};

export class Tally {
    passed = 0;
    failed = 0;
    #rows;
    constructor(file) {
        const rows = JSON.parse(readFileSync(file, 'utf8'));
        this.#rows = rows.map(row => ({...row, pattern: new RegExp(row.text), found: 0}));
    }

    // A comparison of texts: whether it is the same, or a difference that is known.
    compare(of, texts, ours, peer) {
        if (ours === peer) return this.check(true);
        const row = this.#rows.find(one => one.of === of && one.ours === ours && one.peer === peer &&
                                           one.pattern.test(normal[of](...texts)));
        if (row) row.found += 1;
        return this.check(Boolean(row), () => `${of} ${JSON.stringify(texts)}: ours ${ours}, the peer's ${peer}`);
    }

    // A spec alone: the packages found, as lines, or a word for why none was.
    compareFound(texts, ours, peer) {
        const word = found => Array.isArray(found) ? 'packages' : found;
        const others = Array.isArray(ours) && Array.isArray(peer) && String(ours) !== String(peer);
        this.compare('spec', texts, others ? 'other packages' : word(ours), word(peer));
    }

    check(good, describe) {
        this[good ? 'passed' : 'failed'] += 1;
        if (!good && this.failed <= 40) console.error(`  FAILED ${describe()}`);
        return good;
    }

    // The rows, how often each occurred; `whole` where all that could occur was compared.
    finish(whole) {
        console.error('known differences:');
        for (const row of this.#rows) {
            const {of, ours, peer, why, found, corpus, text} = row;
            console.error(`  ${String(found).padStart(5)} ${of}, ours ${ours}, the peer's ${peer}: ${why}`);
            if (!corpus || whole) this.check(found > 0, () => `this row of differences.json is stale: ${text}`);
        }
        console.log(`${this.passed} passed, ${this.failed} failed`);
        return this.failed === 0 && this.passed > 0;
    }
}
