#include "build/lock_fit.hpp"

#include <catch2/catch.hpp>

#include "spec/environment_reader.hpp"

using namespace envbuild;
using namespace envbuild::build;

namespace {

Intent intent(const std::string& text) {
    Intent intent;
    intent.read = spec::read_environment_text(text, "environment.yml", ".", {});
    intent.hash = intent.spec().hash();
    return intent;
}

lock::Lock lock_of(const Intent& intent) {
    lock::Lock lock;
    lock.spec_hash = intent.hash.hex();
    lock.intent = intent.spec().canonical().canonical();
    return lock;
}

LockFit fit_of(const lock::Lock& lock, const Intent& intent) {
    return build::fit_of(lock, intent,
                         catalog::PypiNames::load(std::filesystem::path(ENVBUILD_SOURCE_DIR) / "curated"));
}

conda::PackageRecord record(const std::string& name, const std::string& version) {
    conda::PackageRecord record;
    record.name = name;
    record.version = value_or_throw(conda::Version::parse(version));
    record.build = "0";
    record.channel = "https://conda.anaconda.org/conda-forge";
    if (name != "python") record.depends = {"python"};
    return record;
}

}  // namespace

TEST_CASE("a lock fits the intent that it was made for, however that is written") {
    const auto lock = lock_of(intent("channels: [conda-forge]\ndependencies: [numpy=1.26, python]\n"));
    const auto same = fit_of(lock, intent("name: x\nchannels: [conda-forge]\ndependencies: [python, numpy 1.26.*]\n"));
    CHECK(same.fits);
    CHECK(same.differences.empty());
    const auto other = fit_of(lock, intent("channels: [conda-forge]\ndependencies: [python, numpy=2, six]\n"));
    CHECK_FALSE(other.fits);
    CHECK(other.differences ==
          std::vector<KeyDifference>{{"conda", "numpy 1.26.*", ""}, {"conda", "", "numpy 2.*"}, {"conda", "", "six"}});
}

TEST_CASE("a lock that keeps the hash alone does not fit another intent") {
    auto lock = lock_of(intent("channels: [conda-forge]\ndependencies: [numpy]\n"));
    lock.intent.clear();
    const auto fit = fit_of(lock, intent("channels: [conda-forge]\ndependencies: [six]\n"));
    CHECK_FALSE(fit.fits);
    CHECK(fit.differences.empty());
}

TEST_CASE("another tool's lock fits where it fulfils what is asked") {
    lock::Lock lock;
    lock.conda = {record("numpy", "1.26.4"), record("pip", "24.0"), record("python", "3.12.1")};
    lock::PipPackage six;
    six.name = "six";
    six.version = "1.16.0";
    lock.pip = {six};
    const std::string head = "channels: [conda-forge]\ndependencies: [python=3.12, ";
    CHECK(fit_of(lock, intent(head + "numpy <2, __glibc >=2.17, {pip: [six>=1.15, numpy]}]\n")).fits);
    const auto fit = fit_of(lock, intent(head + "numpy >=2, scipy, {pip: [six<1, rich]}]\n"));
    CHECK_FALSE(fit.fits);
    CHECK(fit.differences == std::vector<KeyDifference>{{"conda", "numpy-1.26.4-0", "numpy >=2"},
                                                        {"conda", "", "scipy"},
                                                        {"pip", "", "rich"},
                                                        {"pip", "six 1.16.0", "six<1"}});
    CHECK_FALSE(fit_of(lock, intent("channels: [conda-forge]\ndependencies: ['defaults::numpy']\n")).fits);
    // A marker that does not hold asks for nothing; conda's pytorch is pip's torch.
    lock.python_version = "3.12.1";
    lock.conda.push_back(record("pytorch", "2.4.0"));
    CHECK(fit_of(lock, intent(head + "{pip: ['dataclasses; python_version < \"3.7\"', torch>=2]}]\n")).fits);
    CHECK_FALSE(fit_of(lock, intent(head + "{pip: [torch>=3]}]\n")).fits);
}
