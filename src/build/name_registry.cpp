#include "build/name_registry.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <mutex>
#include <thread>

#include "base/failpoint.hpp"
#include "base/file_digest.hpp"
#include "base/fs.hpp"
#include "base/parallel.hpp"
#include "base/strings.hpp"
#include "build/environment_ref.hpp"
#include "spec/definition.hpp"

namespace envbuild::build {

namespace {

using catalog::Claim;
using catalog::ClaimArtifact;
using catalog::ClaimKind;
using catalog::NameBook;

constexpr std::size_t kFetchers = 8;
constexpr std::string_view kNewFolder = ".new";
// A registry may need a moment until its list shows what it has taken.
constexpr std::array kReadBackWaits{std::chrono::milliseconds(100), std::chrono::milliseconds(400),
                                    std::chrono::milliseconds(1500)};

std::string now() {
    const auto time = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
                       (time - seconds).count());
}

std::string author(const ProcessEnv& env) {
    std::array<char, 256> host{};
    if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = 0;
    const auto user = env.get_nonempty("USER").value_or(env.get("LOGNAME").value_or(""));
    auto text = user.empty() ? std::string(host.data()) : fmt::format("{}@{}", user, host.data());
    std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
    return text;
}

// A word with such an ending is always a file's.
void check_reachable(const std::string& name) {
    if (!has_file_ending(name)) return;
    throw Error(ErrorKind::InvalidInput,
                fmt::format("'{}' would be taken for a file wherever an environment is named", name))
        .with_hint(fmt::format("name it without the ending: {}", name.substr(0, name.rfind('.'))));
}

std::string by_whom(const catalog::VersionEntry& version) {
    return fmt::format("{}on {}", version.author.empty() ? "" : fmt::format("by {} ", version.author), version.created);
}

// What a user may have mistyped, before anything is asked of the repository.
void check_words(const Claim& claim) {
    (void)value_or_throw(spec::check_name(claim.name));
    if (claim.kind == ClaimKind::Rename) (void)value_or_throw(spec::check_name(claim.target));
    if (claim.kind == ClaimKind::Register) check_reachable(claim.name);
    if (claim.kind == ClaimKind::Rename) check_reachable(claim.target);
    if (claim.kind == ClaimKind::Label) (void)value_or_throw(catalog::check_label(claim.target));
    if (!claim.version.empty()) (void)value_or_throw(catalog::check_version(claim.version));
}

// Definitions are small enough to be looked through, and somebody may have edited what lies in the cache.
bool holds(const fs::path& directory, const Digest& content) {
    std::error_code error;
    if (!fs::is_directory(directory, error)) return false;
    try {
        Sha256 hash;
        pack_definition(directory, [&](std::string_view bytes) { hash.update(bytes); });
        return hash.finish() == content;
    } catch (const Error&) {
        return false;
    }
}

// What a process that was killed has left in the cache; one that takes longer than this has another fault.
void sweep(const fs::path& folder) {
    const auto old = fs::file_time_type::clock::now() - std::chrono::hours(24);
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        if (!entry.path().filename().string().starts_with(kNewFolder)) continue;
        std::error_code failed;
        if (const auto made = entry.last_write_time(failed); !failed && made < old)
            fs::remove_all(entry.path(), failed);
    }
}

// Whether this is what a registry says that stores images only; everything else keeps its own error.
bool refuses_artifacts(const Error& error) {
    return error.kind() == ErrorKind::InvalidInput || error.kind() == ErrorKind::NotFound ||
           (error.kind() == ErrorKind::Transient && error.message().find("answered 404") != std::string::npos);
}

}  // namespace

NameRegistry::NameRegistry(cache::ImageRepository& repository, const Workbench& bench)
    : repository_(repository), bench_(bench) {}

// By digest, so that nobody changes a claim by moving its tag.
std::optional<ClaimArtifact> NameRegistry::fetch(const std::string& tag, const Digest& digest) const {
    const auto refuse = [&](std::string_view why) -> std::optional<ClaimArtifact> {
        bench_.warn_once(fmt::format("{}: the tag {} is left out of the names: {}", repository_.name(), tag, why));
        return std::nullopt;
    };
    const auto cached = bench_.cache_folder("names") / (digest.hex() + ".json");
    // In the layout the manifest is a file beside us anyway.
    std::optional<std::string> bytes;
    if (!repository_.blobs_are_local()) bytes = read_file_if_exists(cached);
    if (!bytes || sha256(*bytes) != digest) {
        try {
            auto raw = repository_.get_manifest(digest.to_string());
            if (!raw) return refuse("the manifest that it was made for is not there");
            if (sha256(raw->bytes) != digest) return refuse("its manifest has another digest");
            bytes = std::move(raw->bytes);
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::Corrupt) throw;
            return refuse(error.message());
        }
        if (!repository_.blobs_are_local()) write_file_atomic(cached, *bytes);
    }
    auto artifact = ClaimArtifact::parse(*bytes);
    if (!artifact) return refuse(artifact.error().message());
    if (artifact->tag() != tag) return refuse(fmt::format("it is a claim about '{}'", artifact->claim.name));
    return std::move(*artifact);
}

NameBook NameRegistry::read() {
    std::vector<std::pair<std::string, Digest>> unknown;
    std::vector<Claim> claims;
    for (const auto& tag : repository_.list_tags()) {
        const auto digest = catalog::digest_of_claim_tag(tag);
        if (!digest) continue;
        if (const auto known = known_.find(*digest); known != known_.end()) {
            claims.push_back(known->second.claim);
        } else {
            unknown.emplace_back(tag, *digest);
        }
    }
    std::mutex mutex;
    parallel_for(unknown.size(), kFetchers, [&](std::size_t i) {
        bench_.cancel().throw_if_cancelled();
        auto artifact = fetch(unknown[i].first, unknown[i].second);
        if (!artifact) return;
        const std::lock_guard lock(mutex);
        claims.push_back(artifact->claim);
        known_.insert_or_assign(unknown[i].second, std::move(*artifact));
    });
    return NameBook::play(std::move(claims));
}

const ClaimArtifact& NameRegistry::artifact(const Digest& id) {
    if (const auto known = known_.find(id); known != known_.end()) return known->second;
    (void)read();
    const auto known = known_.find(id);
    if (known == known_.end())
        throw Error(ErrorKind::NotFound, fmt::format("the claim {} is not in {}", id.to_string(), repository_.name()));
    return known->second;
}

std::optional<NameRegistry::Archive> NameRegistry::archive_of(const Claim& claim, const std::optional<fs::path>& file,
                                                              const NameBook& book) {
    if (claim.kind != ClaimKind::Register) return std::nullopt;
    if (file) {
        oci::Descriptor descriptor;
        descriptor.media_type = catalog::kDefinitionMediaType;
        descriptor.digest = sha256_file(*file);
        descriptor.size = fs::file_size(*file);
        return Archive{descriptor, file};
    }
    for (const auto& [name, entry] : book.names()) {
        if (const auto* version = entry.with_content(claim.content))
            return Archive{artifact(version->claim).archive(), std::nullopt};
    }
    throw Error(ErrorKind::NotFound,
                fmt::format("no version in {} has the content {}", repository_.name(), claim.content.to_string()));
}

Error NameRegistry::refusal(const Claim& claim, const std::string& reason, const NameBook& book) const {
    std::vector<std::string> candidates;
    std::string wanted = claim.name;
    const auto* entry = book.find(claim.name);
    if (entry == nullptr) {
        for (const auto& [name, other] : book.names()) candidates.push_back(name);
    } else if (claim.kind == ClaimKind::Label && !claim.set) {
        wanted = claim.target;
        for (const auto& [label, version] : entry->labels) candidates.push_back(label);
    } else if (claim.kind != ClaimKind::Rename && entry->find(claim.version) == nullptr) {
        wanted = claim.version;
        for (const auto& version : entry->versions) candidates.push_back(version.version);
    }
    const auto near = nearest(wanted, candidates);
    const auto where = fmt::format("{}: {}", repository_.name(), reason);
    if (!near.empty()) return {ErrorKind::InvalidInput, fmt::format("{}; did you mean '{}'?", where, near)};
    if (candidates.empty()) return {ErrorKind::InvalidInput, where};
    constexpr std::size_t kShown = 8;
    if (candidates.size() > kShown) candidates.erase(candidates.begin(), candidates.end() - kShown);
    return Error(ErrorKind::InvalidInput, where).with_hint(fmt::format("there are: {}", join(candidates, ", ")));
}

// What only the book knows: the claim's place among the others, and the version to expect.
void NameRegistry::expect(Claim& claim, const NameBook& book) const {
    claim.sequence = book.next_sequence();
    claim.created = now();
    claim.expected.clear();
    // A name that has been renamed since: its labels and versions are there now.
    if (claim.kind == ClaimKind::Label || claim.kind == ClaimKind::Archive)
        claim.name = book.renamed_to(claim.name).value_or(claim.name);
    const auto preview = book.with(claim);
    const auto& outcome = *preview.outcome(claim.id);
    if (!outcome.refused.empty()) throw refusal(claim, outcome.refused, book);
    if (claim.kind != ClaimKind::Register) return;
    if (claim.version.empty()) {
        claim.expected = outcome.version;
        return;
    }
    // A redirect is no name yet: a registration makes it one of its own, with no versions.
    const auto* entry = book.renamed_to(claim.name) ? nullptr : book.find(claim.name);
    if (entry == nullptr) return;
    const auto* taken = entry->find(claim.version);
    const auto* same = entry->with_content(claim.content);
    if (taken != nullptr && taken->content != claim.content) {
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("{}: {}:{} is there already with other content, registered {}", repository_.name(),
                                claim.name, claim.version, by_whom(*taken)))
            .with_hint("versions never change; " +
                       (same != nullptr ? fmt::format("this content is {}:{}", claim.name, same->version)
                                        : fmt::format("without a version of its own it becomes {}:{}", claim.name,
                                                      entry->next_version())));
    }
    if (taken == nullptr && same != nullptr) {
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("{}: {} has this content already, as version {}, registered {}", repository_.name(),
                                claim.name, same->version, by_whom(*same)))
            .with_hint(fmt::format("the same content is one version; a further name for it is a label: envbuild label "
                                   "{}:{} {}",
                                   claim.name, same->version, claim.version));
    }
}

// The claim stays whatever came of it; that its writer asked for another version must not pass unseen.
void NameRegistry::check_version_is_had(const Written& written) const {
    const auto& claim = written.claim;
    if (claim.kind != ClaimKind::Register || claim.version.empty() || claim.version == written.outcome.version) return;
    const auto* entry = written.book.find(claim.name);
    const auto* taken = entry == nullptr ? nullptr : entry->find(claim.version);
    throw Error(ErrorKind::InvalidInput,
                fmt::format("{}: {}:{} was taken at the same time{}; this content is registered as {}:{}",
                            repository_.name(), claim.name, claim.version,
                            taken == nullptr ? "" : ", " + by_whom(*taken), claim.name, written.outcome.version))
        .with_hint(fmt::format("go on with {}:{}, or register other content under a version that is free", claim.name,
                               written.outcome.version));
}

void NameRegistry::push(const ClaimArtifact& artifact) {
    repository_.put_blob(artifact.manifest.config, *oci::bytes_source(artifact.config_bytes), std::nullopt, nullptr);
    if (artifact.claim.kind != ClaimKind::Register)
        repository_.put_blob(artifact.manifest.layers[0], *oci::bytes_source(std::string(catalog::kEmptyBytes)),
                             std::nullopt, nullptr);
    failpoint("names.before_manifest");
    try {
        repository_.put_manifest(artifact.manifest_bytes(), artifact.manifest.media_type, artifact.tag());
    } catch (const Error& error) {
        if (!refuses_artifacts(error)) throw;
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("{} took the blobs of a name's claim and refused its manifest: {}", repository_.name(),
                                error.message()))
            .with_hint(
                fmt::format("names are OCI artifacts (config media type {}): the registry must take these; allow "
                            "them there, or name another registry with --registry",
                            catalog::kClaimMediaType));
    }
}

NameBook NameRegistry::read_back(const ClaimArtifact& artifact) {
    auto book = read();
    for (const auto wait : kReadBackWaits) {
        if (book.outcome(artifact.claim.id) != nullptr) return book;
        bench_.cancel().throw_if_cancelled();
        std::this_thread::sleep_for(wait);
        book = read();
    }
    if (book.outcome(artifact.claim.id) != nullptr) return book;
    throw Error(ErrorKind::Transient, fmt::format("{} took the claim {} and does not list it among its tags",
                                                  repository_.name(), artifact.tag()))
        .with_hint("it may do so later; the same command again does no harm");
}

// In a layout its own, which all who write to it share; else this user's on this host.
fs::path NameRegistry::turn_file() const {
    constexpr std::string_view kLayout = "oci:";
    const auto name = repository_.name();
    if (name.starts_with(kLayout) && fs::exists(fs::path(name.substr(kLayout.size())) / "oci-layout"))
        return fs::path(name.substr(kLayout.size())) / ".names.lock";
    return bench_.cache_folder("names") / (sha256(name).hex() + ".lock");
}

NameRegistry::Written NameRegistry::write(Claim claim, const std::optional<fs::path>& archive) {
    check_words(claim);
    claim.author = author(bench_.env());
    claim.id = Digest();
    auto book = read();
    const auto source = archive_of(claim, archive, book);
    if (source) claim.content = source->descriptor.digest;
    expect(claim, book);
    // The archive first: what takes long is done before the claim takes its place.
    if (source && source->file && !book.with(claim).same_names(book)) {
        repository_.put_blob(source->descriptor, *oci::file_source(*source->file), std::nullopt, nullptr);
    }
    // Writers that see one lock take turns, so that the number that one prints is not another's; for those who do not,
    // the rule of the book decides.
    fs::create_directories(turn_file().parent_path());
    const FileLock turn(turn_file(), FileLock::Mode::Exclusive, bench_.cancel());
    book = read();
    expect(claim, book);
    if (const auto preview = book.with(claim); preview.same_names(book)) {
        // The content is known, and is there again where it was lost.
        if (source && source->file && !repository_.has_blob(source->descriptor))
            repository_.put_blob(source->descriptor, *oci::file_source(*source->file), std::nullopt, nullptr);
        return {claim, *preview.outcome(claim.id), std::move(book), false, false};
    }
    const auto made = value_or_throw(
        ClaimArtifact::make(std::move(claim), source ? std::optional(source->descriptor) : std::nullopt));
    push(made);
    auto after = read_back(made);
    const auto outcome = *after.outcome(made.claim.id);
    bool is_new = false;
    for (const auto& [name, entry] : after.names()) {
        is_new = is_new || std::ranges::find(entry.versions, made.claim.id, &catalog::VersionEntry::claim) !=
                               entry.versions.end();
    }
    Written written{made.claim, outcome, std::move(after), true, is_new};
    check_version_is_had(written);
    return written;
}

fs::path NameRegistry::open(const catalog::VersionEntry& version) {
    const auto target = bench_.cache_folder("definitions") / version.content.hex();
    if (holds(target, version.content)) return target;
    const auto descriptor = artifact(version.claim).archive();
    fs::create_directories(target.parent_path());
    sweep(target.parent_path());
    const TempDir temporary(kNewFolder, target.parent_path());
    const auto unpacked = temporary.path() / "new";
    fs::create_directory(unpacked);
    unpack_definition(*repository_.open_blob(descriptor), unpacked);
    // Others may do the same at once, and may be reading what they have put there.
    if (holds(target, version.content)) return target;
    std::error_code ignored;
    fs::rename(target, temporary.path() / "old", ignored);
    fs::rename(unpacked, target, ignored);
    if (ignored && !fs::is_directory(target))
        throw Error(ErrorKind::Io, fmt::format("{}: cannot make: {}", target.string(), ignored.message()));
    return target;
}

}  // namespace envbuild::build
