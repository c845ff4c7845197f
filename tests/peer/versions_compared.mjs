// Versions and specs of versions, generated, by both.
import {near, spec, version} from './versions.mjs';

export async function compareOrder({random, count, ours, peer, tally}) {
    const pairs = random.times(count, () => {
        const first = version(random);
        return [first, random.happens(60) ? near(random, first) : version(random)];
    });
    const {answers} = await ours.ask({ask: 'order', pairs});
    pairs.forEach((pair, i) => tally.compare('order', pair, answers[i], peer.order(pair)));
    console.error(`order of versions: ${count} pairs, ${answers.filter(one => one === null).length} of them refused`);
}

// A spec of several clauses that is answered otherwise must hold a clause that is answered otherwise: what is known
// are differences of clauses.
export async function compareSpecs({random, count, ours, peer, tally}) {
    const pairs = random.times(count, () => {
        const about = version(random);
        return [spec(random, about), random.happens(50) ? about : near(random, about)];
    });
    const ask = async questions => {
        const {answers} = await ours.ask({ask: 'match', pairs: questions});
        return questions.map((pair, i) => ({pair, ours: answers[i], peer: peer.match(pair, 'lenient')}));
    };
    const counts = {true: 0, false: 0, null: 0, differ: 0, strict: 0};
    for (const one of await ask(pairs)) {
        counts[one.ours] += 1;
        const strict = peer.match(one.pair, 'strict');
        if (strict !== null) {
            counts.strict += 1;
            tally.check(strict === one.peer,
                        () => `${one.pair}: the peer says ${strict} when strict, ${one.peer} when lenient`);
        }
        if (one.ours === one.peer) {
            tally.check(true);
            continue;
        }
        counts.differ += 1;
        const clauses = [...new Set(one.pair[0].split(/[,|()]/).filter(clause => clause !== ''))];
        const parts = await ask(clauses.map(clause => [clause, one.pair[1]]));
        const differing = parts.filter(part => part.ours !== part.peer);
        tally.check(differing.length > 0,
                    () => `${one.pair}: ours ${one.ours}, the peer's ${one.peer}, and no clause differs`);
        for (const part of differing) tally.compare('match', part.pair, part.ours, part.peer);
    }
    console.error(`specs of versions: ${count} pairs, ${counts.true} match, ${counts.false} do not, ` +
                  `${counts.null} are refused; ${counts.differ} are answered otherwise; ` +
                  `${counts.strict} are taken by the peer when it is strict`);
}
