#include "build/name_changes.hpp"

#include <fmt/format.h>

#include "build/name_registry.hpp"

namespace envbuild::build {

namespace {

using catalog::Claim;
using catalog::ClaimKind;

void check_reserved(const std::string& name, const Workbench& bench) {
    (void)value_or_throw(catalog::ReservedPrefixes(bench.settings().reserved_prefixes).check(name));
}

class Change {
  public:
    explicit Change(const Workbench& bench) : repository_(bench.repository()), names_(*repository_, bench) {}

    // "@LABEL" as a version; "" where neither is named.
    [[nodiscard]] std::string version_of(const NameRef& ref) {
        if (ref.label.empty()) return ref.version;
        const auto book = names_.read();
        const auto* entry = book.find(ref.name);
        if (entry == nullptr) return "";  // refused with the nearest name when it is written
        const auto* version = entry->labelled(ref.label);
        if (version == nullptr)
            throw Error(ErrorKind::InvalidInput,
                        fmt::format("{}: '{}' has no label '{}'", repository_->name(), entry->name, ref.label));
        return version->version;
    }

    NameChange make(Claim claim) {
        const auto written = names_.write(std::move(claim));
        if (!written.outcome.refused.empty())
            throw Error(ErrorKind::InvalidInput,
                        fmt::format("{}: somebody else was faster: {}", repository_->name(), written.outcome.refused));
        const auto& about = written.claim.kind == ClaimKind::Rename ? written.claim.target : written.claim.name;
        const auto* entry = written.book.find(about);
        return {entry != nullptr ? entry->name : about, written.outcome.version, written.wrote};
    }

  private:
    std::unique_ptr<cache::ImageRepository> repository_;
    NameRegistry names_;
};

Claim claim_about(ClaimKind kind, const NameRef& ref, const Workbench& bench) {
    check_reserved(ref.name, bench);
    Claim claim;
    claim.kind = kind;
    claim.name = ref.name;
    return claim;
}

}  // namespace

NameChange set_label(const NameRef& ref, const std::string& label, const Workbench& bench) {
    auto claim = claim_about(ClaimKind::Label, ref, bench);
    if (ref.version.empty() && ref.label.empty())
        throw Error(ErrorKind::InvalidInput,
                    fmt::format("which version of '{}' shall have the label '{}'?", ref.name, label))
            .with_hint(fmt::format("{0}:VERSION, or {0}@latest", ref.name));
    Change change(bench);
    claim.version = change.version_of(ref);
    claim.target = label;
    return change.make(std::move(claim));
}

NameChange remove_label(const NameRef& ref, const std::string& label, const Workbench& bench) {
    auto claim = claim_about(ClaimKind::Label, ref, bench);
    Change change(bench);
    claim.version = change.version_of(ref);
    claim.target = label;
    claim.set = false;
    return change.make(std::move(claim));
}

NameChange set_archived(const NameRef& ref, bool archived, const Workbench& bench) {
    auto claim = claim_about(ClaimKind::Archive, ref, bench);
    Change change(bench);
    claim.version = change.version_of(ref);
    claim.set = archived;
    return change.make(std::move(claim));
}

NameChange rename_environment(const std::string& from, const std::string& to, const Workbench& bench) {
    check_reserved(from, bench);
    check_reserved(to, bench);
    Claim claim;
    claim.kind = ClaimKind::Rename;
    claim.name = from;
    claim.target = to;
    return Change(bench).make(std::move(claim));
}

}  // namespace envbuild::build
