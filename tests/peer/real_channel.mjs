// Requests to channels of real records: random ones, and what the files of a corpus ask for.
import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {Agreement, nameOf} from './solves_compared.mjs';

// name -> its versions, of both subdirs.
export function read(folder) {
    const versions = new Map();
    for (const subdir of ['linux-64', 'noarch']) {
        const text = execFileSync('zstd', ['-dcq', join(folder, subdir, 'repodata.json.zst')], {maxBuffer: 1 << 30});
        const repodata = JSON.parse(text);
        for (const one of [...Object.values(repodata.packages ?? {}), ...Object.values(repodata['packages.conda'] ?? {})]) {
            if (!versions.has(one.name)) versions.set(one.name, []);
            versions.get(one.name).push(one.version);
        }
    }
    for (const list of versions.values()) list.sort();
    return new Map([...versions].sort());
}

export async function compareRandomRequests({random, count, solves, channels, virtual, known, what}) {
    const agreement = new Agreement();
    const names = [...known.keys()];
    for (let i = 0; i < count; ++i) {
        const specs = random.times(1 + random.below(5), () => {
            const name = random.one(names);
            const version = random.one(known.get(name));
            return random.one([name, name, name, `${name} ${version}.*`, `${name} >=${version}`, `${name} <${version}`,
                               `${name}=${version}`]);
        });
        if (random.happens(40)) {
            specs.push(random.one(['python', 'python=3.11', 'python=3.12.*', 'python >=3.10,<3.14']));
        }
        await solves.compare(agreement, `random request ${i} to ${what}`, {channels, specs: [...new Set(specs)], virtual});
    }
    console.error(`random requests to ${what}: ${agreement}`);
    return agreement;
}

// Every `stride`-th file, thrice: as it is, without the names that the channel does not have, and these names alone,
// since few of the old versions that real files ask for are among the records. All channels are the one channel here.
export async function compareCorpus({folder, stride, ours, solves, channels, virtual, known}) {
    const index = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8'));
    const kinds = ['as they are', 'what the channel has', 'its names alone'];
    const agreements = kinds.map(() => new Agreement());
    let files = 0, refused = 0;
    for (let i = 0; i < index.length; i += stride) {
        const {specs} = await ours.ask({ask: 'file', path: join(folder, index[i].file)});
        files += 1;
        if (!specs) refused += 1;
        if (!specs || specs.length === 0) continue;
        const all = [...new Set(specs.map(text => text.replace(/^.*::/, '')))];
        const had = all.filter(text => known.has(nameOf(text)));
        const asked = [all, had, [...new Set(had.map(nameOf))]];
        for (let kind = 0; kind < 3; ++kind) {
            const same = asked.findIndex(list => list.join('\n') === asked[kind].join('\n'));
            if (asked[kind].length === 0 || same < kind) continue;
            await solves.compare(agreements[kind], index[i].file, {channels, specs: asked[kind], virtual});
        }
    }
    console.error(`files of the corpus: ${files}, of which ${refused} are no environments to us`);
    kinds.forEach((kind, i) => console.error(`  ${kind}: ${agreements[i]}`));
    return agreements;
}
