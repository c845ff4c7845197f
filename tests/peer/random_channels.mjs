// Small channels whose packages are in each other's way, and requests to them.
import {record, virtualRecords} from './channel_server.mjs';
import {Agreement} from './solves_compared.mjs';

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

function demand(random, name) {
    const version = 1 + random.below(4);
    return random.one([
        name, `${name} >=${version}`, `${name} <${version + 1}`, `${name} ${version}.*`, `${name} !=${version}`,
        `${name} * x_*`,
    ]);
}

function channel(random) {
    const some = (most, draw) => [...new Set(random.times(1 + random.below(most), draw))];
    return names.flatMap((name, place) => some(4, () => random.below(5)).flatMap(version => {
        return some(2, () => random.one(['x_0', 'y_0', 'x_1', 'y_1'])).flatMap(build => {
            // What is named later, mostly; a cycle now and then.
            const others = names.filter((other, k) => other !== name && (k > place || random.happens(8)));
            const demands = most => random.times(random.below(most + 1), () => others).filter(list => list.length > 0)
                                          .map(list => demand(random, random.one(list)));
            const depends = demands(2);
            if (random.happens(6)) depends.push(random.one(['__glibc >=2.17', '__glibc >=2.40', '__unix', '__cuda']));
            return [record({
                name, version: String(version), build, number: Number(build.slice(2)), depends, constrains: demands(1),
                timestamp: 1000 * random.below(5), noarch: random.happens(30),
            })];
        });
    }));
}

export async function compareRandomChannels({random, count, requests, solves, server, virtual}) {
    const agreement = new Agreement();
    for (let i = 0; i < count; ++i) {
        const channels = [server.records(`random${i}`, [...channel(random), ...virtualRecords(virtual)])];
        for (let j = 0; j < requests; ++j) {
            const specs = random.times(1 + random.below(4), () => demand(random, random.one(names)));
            await solves.compare(agreement, `random channel ${i}`, {channels, specs: [...new Set(specs)], virtual});
        }
        server.forget(`random${i}`);
    }
    console.error(`random channels: ${agreement}`);
    return agreement;
}
