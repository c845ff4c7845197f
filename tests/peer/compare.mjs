// compare.mjs PEER_ANSWERS FOLDER SHARED [--all] [--verbose] [--site CHANNEL]: holds envbuild against its peer
// (README.md), which is in FOLDER; CHANNEL is the test site's. Tells what it finds on standard error, closes with "N passed, N failed"; exits 0 only when nothing failed.
import {existsSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import {fileURLToPath} from 'node:url';
import {ChannelServer, virtualRecords} from './channel_server.mjs';
import {Tally} from './differences.mjs';
import {compareAsked, compareNeeded} from './match_specs.mjs';
import {Ours} from './ours.mjs';
import {Peer} from './peer.mjs';
import {Random} from './random.mjs';
import {compareRandomChannels} from './random_channels.mjs';
import {compareCorpus, compareRandomRequests, read} from './real_channel.mjs';
import {Solves} from './solves_compared.mjs';
import {compareOrder, compareSpecs} from './versions_compared.mjs';

// The virtual packages of the target, the same for both.
const virtual = {__glibc: '2.35', __unix: '0', __linux: '5.10', __archspec: '1=x86_64'};

// What must agree, in percent: the same version of a package, the same answer to a request, and the same versions of everything
// where both have an answer.
const wanted = {packages: 95, requests: 95, ofRandomChannels: 90, answers: 90};

const [program, peerFolder, shared, ...options] = process.argv.slice(2);
const site = options.includes('--site') ? options[options.indexOf('--site') + 1] : undefined;
const modern = join(shared, 'data/channels/modern');
const corpus = join(shared, 'corpus/environments');
const whole = options.includes('--all');
const cache = mkdtempSync(join(tmpdir(), 'envbuild-peer-'));
const tally = new Tally(fileURLToPath(new URL('differences.json', import.meta.url)));
const ours = new Ours(program, cache);
const peer = new Peer(resolve(peerFolder));
const server = new ChannelServer();
const solves = new Solves({ours, peer, tally, verbose: options.includes('--verbose')});
const common = {ours, peer, tally, server, solves, virtual};

function meets(agreement, what, requests) {
    const {ofRequests, ofAnswers, ofPackages} = agreement;
    tally.check(ofRequests >= requests,
                () => `${what}: ${ofRequests.toFixed(1)} % of the requests are answered alike, not ${requests} %`);
    tally.check(ofAnswers >= wanted.answers,
                () => `${what}: ${ofAnswers.toFixed(1)} % of the answers have the same versions, not ${wanted.answers} %`);
    tally.check(ofPackages >= wanted.packages,
                () => `${what}: ${ofPackages.toFixed(1)} % of the packages agree, not ${wanted.packages} %`);
}

await server.start();
try {
    await compareOrder({...common, random: new Random(1), count: 20000});
    await compareSpecs({...common, random: new Random(2), count: 20000});
    await compareAsked({...common, random: new Random(3), count: 400});
    await compareNeeded({...common, random: new Random(4), count: 4000});
    const small = await compareRandomChannels({...common, random: new Random(5), count: 150, requests: 5});
    meets(small, 'random channels', wanted.ofRandomChannels);

    const virtualChannel = server.records('virtual', virtualRecords(virtual));
    if (site) {
        const channels = [virtualChannel, server.folder('site', site)];
        const ofSite = await compareRandomRequests(
            {...common, channels, known: read(site), what: "the test site's channel", random: new Random(7), count: 150});
        meets(ofSite, "the test site's channel", wanted.requests);
    }
    if (existsSync(modern)) {
        const channels = [virtualChannel, server.folder('modern', modern)];
        const real = {...common, channels, known: read(modern), what: 'a real channel'};
        const total = await compareRandomRequests({...real, random: new Random(6), count: whole ? 400 : 60});
        if (existsSync(corpus)) {
            for (const one of await compareCorpus({...real, folder: corpus, stride: whole ? 1 : 6})) total.merge(one);
        }
        console.error(`the real channel in all: ${total}`);
        meets(total, 'the real channel', wanted.requests);
    } else {
        console.error(`no real channel at ${modern}: random channels alone were compared`);
    }
} finally {
    ours.end();
    server.stop();
    rmSync(cache, {recursive: true, force: true});
}
process.exitCode = tally.finish(whole && existsSync(corpus) && existsSync(modern)) ? 0 : 1;
