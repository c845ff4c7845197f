#include "lock/lock_support.hpp"

namespace envbuild::lock::test {

conda::PackageRecord record(const std::string& name, const std::string& version, const std::string& build,
                            const std::string& subdir, std::vector<std::string> depends) {
    conda::PackageRecord record;
    record.name = name;
    record.version = value_or_throw(conda::Version::parse(version));
    record.build = build;
    record.subdir = subdir;
    record.file_name = name + "-" + version + "-" + build + ".conda";
    record.channel = "https://conda.anaconda.org/conda-forge";
    record.url = value_or_throw(Url::parse(record.channel + "/" + subdir + "/" + record.file_name));
    record.sha256 = sha256(record.file_name);
    record.md5 = md5_hex(record.file_name);
    record.size = 1234;
    record.depends = std::move(depends);
    return record;
}

Lock full_lock() {
    Lock lock;
    lock.channels = {"https://conda.anaconda.org/conda-forge", "file:///srv/my channel"};
    lock.conda = {record("libzlib", "1.3.1", "h4ab18f5_1"),
                  record("python", "3.12.4", "h194c7f8_0_cpython", "linux-64",
                         {"libzlib >=1.3.1,<2.0a0", "__glibc >=2.17", "__glibc >=2.17,<3.0.a0"}),
                  record("attrs", "24.1.0", "pyh71513ae_0", "noarch", {"python >=3.7"})};
    lock.conda[1].python_site_packages_path = "lib/python3.12/site-packages";
    lock.requested = {"attrs", "python 3.12.*"};
    PipPackage torch;
    torch.name = "torch";
    torch.version = "2.4.0+cu118";
    torch.url = "https://download.pytorch.org/whl/cu118/torch-2.4.0%2Bcu118-cp312-cp312-linux_x86_64.whl";
    torch.file_name = "torch-2.4.0+cu118-cp312-cp312-linux_x86_64.whl";
    torch.sha256 = sha256("torch");
    torch.requested = true;
    torch.requires_dist = {"filelock", "typing-extensions (>=4.8.0)", "sympy ; python_version > \"3.8\"",
                           "opt-einsum>=3.3; extra == 'opt-einsum'", "Some_Thing[x,y] >=1, <2"};
    PipPackage mine;
    mine.name = "mine";
    mine.version = "0.1";
    mine.url = "https://example.org/mine-0.1.tar.gz";
    mine.file_name = "mine-0.1.tar.gz";
    mine.sha256 = sha256("mine");
    mine.direct = mine.requested = true;
    PipPackage setuptools;
    setuptools.name = "setuptools";
    setuptools.version = "70";
    setuptools.url = "https://files.pythonhosted.org/setuptools-70-py3-none-any.whl";
    setuptools.file_name = "setuptools-70-py3-none-any.whl";
    setuptools.sha256 = sha256("setuptools");
    setuptools.build_only = true;
    lock.pip = {mine, setuptools, torch};
    lock.pip_requested = {"mine @ https://example.org/mine-0.1.tar.gz", "torch==2.4.0+cu118"};
    lock.base = {"docker.io/nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04", sha256("base"), "2.35", "12.4.1",
                 "9.1.0.70"};
    lock.gpu = true;
    lock.variables = {{"EMPTY", ""}, {"LANG", "C.UTF-8"}, {"QUOTES", "it's \"so\": #1 \\ ä"}, {"YES", "yes"}};
    lock.virtual_packages = {{"__archspec", "1=x86_64"}, {"__cuda", "12.4"}, {"__glibc", "2.35"}, {"__unix", "0"}};
    lock.python_version = "3.12.4";
    lock.template_digest = sha256("templates").hex();
    lock.extra_steps = {"RUN true"};
    lock.spec_hash = sha256("spec").hex();
    lock.intent = R"({"conda":["attrs","python 3.12.*"]})";
    return lock;
}

}  // namespace envbuild::lock::test
