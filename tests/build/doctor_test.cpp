#include "build/doctor.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

#include "base/fs.hpp"
#include "build/doctor_host.hpp"
#include "build/doctor_image.hpp"
#include "build/doctor_services.hpp"
#include "support/registry_run.hpp"

using namespace envbuild;
using namespace envbuild::build;
using namespace envbuild::testing;
using Catch::Contains;
using std::chrono::seconds;

namespace {

const catalog::CudaCompat& table() {
    static const auto table = catalog::CudaCompat::load(std::string(ENVBUILD_SOURCE_DIR) + "/curated/cuda-compat.yaml");
    return table;
}

// A host made of a folder: programs in bin/, files below root/.
struct FakeHost {
    TempDir folder{"doctor"};
    DoctorOptions options;

    FakeHost() {
        options.root = folder.path() / "root";
        std::filesystem::create_directories(folder.path() / "bin");
        std::filesystem::create_directories(options.root);
    }
    void program(const std::string& name, const std::string& script) const {
        write_file_atomic(folder.path() / "bin" / name, "#!/bin/sh\n" + script, fs::perms(0755));
    }
    void file(const std::string& path, const std::string& text) const { write_file_atomic(options.root / path, text); }
    // nvidia-smi of a driver with one GPU.
    void smi(const std::string& driver, const std::string& cuda, const std::string& gpu,
             const std::string& compute) const {
        program("nvidia-smi", "case \"$1\" in\n--query-gpu=*) echo '" + gpu + ", " + driver + ", " + compute +
                                  ", 16384';;\n*) echo '| NVIDIA-SMI " + driver + "   Driver Version: " + driver +
                                  "   CUDA Version: " + cuda + " |';;\nesac\n");
    }
    [[nodiscard]] ProcessEnv env() const {
        return ProcessEnv({{"PATH", (folder.path() / "bin").string()}, {"HOME", folder.path().string()}});
    }
    [[nodiscard]] HostTools tools() const { return {env(), options, {}}; }
    [[nodiscard]] GpuHost gpus() const { return look_for_gpus(tools()); }
};

GpuHost host_with(const std::string& driver, const std::string& cuda, const std::string& compute = "8.6") {
    GpuHost host;
    host.driver = driver;
    host.cuda = cuda;
    host.gpus = {{"NVIDIA Test", value_or_throw(catalog::CudaVersion::parse(compute)), "16384"}};
    return host;
}

Finding about_driver(const std::vector<std::string>& env, const GpuHost& host) {
    const auto findings = check_image(needs_of(env, true), host, table());
    const auto found = std::ranges::find(findings, "image-driver", &Finding::check);
    REQUIRE(found != findings.end());
    return *found;
}

Finding compute(const std::string& gpu, const std::string& cuda) {
    return check_compute(host_with("1", "1", gpu).gpus[0], value_or_throw(catalog::CudaVersion::parse(cuda)),
                         "CUDA " + cuda, table());
}

}  // namespace

TEST_CASE("a host with a GPU is read from nvidia-smi") {
    const FakeHost fake;
    fake.smi("550.54.15", "12.4", "NVIDIA A100-SXM4-40GB", "8.0");
    const auto host = fake.gpus();
    CHECK(host.driver == "550.54.15");
    CHECK(host.cuda == "12.4");
    CHECK(host.trouble.empty());
    REQUIRE(host.gpus.size() == 1);
    CHECK(host.gpus[0].name == "NVIDIA A100-SXM4-40GB");
    CHECK(host.gpus[0].compute->to_string() == "8.0");
    CHECK(host.gpus[0].memory_mib == "16384");
}

TEST_CASE("an old driver does not know compute_cap, and is asked without") {
    const FakeHost fake;
    fake.program(
        "nvidia-smi",
        "case \"$1\" in\n*compute_cap*) echo 'Field \"compute_cap\" is not a valid field to query.'; exit 2;;\n"
        "--query*) echo 'Tesla K80, 470.82.01, 11441'; echo 'Tesla K80, 470.82.01, 11441';;\n"
        "*) echo 'no overview here';;\nesac\n");
    const auto host = fake.gpus();
    CHECK(host.driver == "470.82.01");
    CHECK(host.cuda.empty());
    REQUIRE(host.gpus.size() == 2);
    CHECK_FALSE(host.gpus[1].compute);
}

TEST_CASE("no driver, a driver without its tools, and a driver that fails") {
    const FakeHost fake;
    CHECK(fake.gpus().driver.empty());
    CHECK(fake.gpus().trouble.empty());
    CHECK_FALSE(fake.gpus().has_smi);

    fake.file(
        "proc/driver/nvidia/version",
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023\nGCC version: x\n");
    CHECK(fake.gpus().driver == "535.104.05");
    CHECK_THAT(fake.gpus().trouble, Contains("nvidia-smi is not in PATH"));

    const auto failing = [&](const std::string& text, int code) {
        fake.program("nvidia-smi", "echo \"" + text + "\"; exit " + std::to_string(code) + "\n");
        return fake.gpus();
    };
    CHECK_THAT(failing("Failed to initialize NVML: Driver/library version mismatch", 18).advice, Contains("reboot"));
    CHECK_THAT(failing("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", 9).advice,
               Contains("modprobe"));
    CHECK_THAT(failing("No devices were found", 6).advice, Contains("lspci"));
    CHECK_THAT(failing("", 3).trouble, Contains("exit code 3"));
}

TEST_CASE("an nvidia-smi that hangs is given up") {
    FakeHost fake;
    fake.options.command_timeout = std::chrono::milliseconds(200);
    fake.program("nvidia-smi", "while :; do read -r line < /dev/null; done\n");
    const auto host = fake.gpus();
    CHECK_THAT(host.trouble, Contains("did not answer"));
    CHECK_THAT(host.advice, Contains("Xid"));
}

TEST_CASE("what the driver's programs and files say is read in their forms") {
    CHECK(parse_cuda_version("| Driver Version: 535.54.03    CUDA Version: 12.2     |") == "12.2");
    CHECK(parse_cuda_version("CUDA UMD Version : 13.1") == "13.1");
    CHECK(parse_cuda_version("CUDA Version: N/A").empty());
    CHECK(parse_driver_file("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build") ==
          "570.86.15");
    CHECK(parse_driver_file("nothing").empty());
    std::string driver;
    CHECK(parse_gpu_list("garbage\n\nA, 1.2.3, N/A, 10\n", true, driver).size() == 1);
    CHECK(driver == "1.2.3");
}

TEST_CASE("the container toolkit: programs, CDI specifications, and what they say") {
    const FakeHost fake;
    CHECK_FALSE(look_for_toolkit(fake.tools(), true).present());
    fake.program("nvidia-ctk", "echo 'NVIDIA Container Toolkit CLI version 1.16.2'\n");
    fake.file("etc/cdi/nvidia.yaml", "cdiVersion: 0.5.0\nkind: nvidia.com/gpu\n");
    fake.file("etc/cdi/other.yaml", "kind: vendor.example/nic\n");
    auto toolkit = look_for_toolkit(fake.tools(), true);
    CHECK(toolkit.program == "nvidia-ctk");
    CHECK(toolkit.version == "1.16.2");
    CHECK(toolkit.cdi_specs == std::vector<std::string>{"/etc/cdi/nvidia.yaml"});
    CHECK(toolkit.trouble.empty());
    fake.program("nvidia-container-cli",
                 "echo 'nvidia-container-cli: initialization error: load library failed' >&2; exit 1\n");
    CHECK_THAT(look_for_toolkit(fake.tools(), true).trouble, Contains("load library failed"));
    CHECK(look_for_toolkit(fake.tools(), false).trouble.empty());
}

TEST_CASE("NVIDIA_REQUIRE_CUDA is read as the NVIDIA runtime does") {
    const auto host = host_with("535.104.05", "12.2");
    CHECK(evaluate_requirement("cuda>=12.2", host) == Requirement::Met);
    CHECK(evaluate_requirement("cuda>=12.4", host) == Requirement::Unmet);
    CHECK(evaluate_requirement("cuda>=12.4 driver>=535,driver<536", host) == Requirement::Met);
    CHECK(evaluate_requirement("cuda>=12.4 driver>=550,driver<551", host) == Requirement::Unmet);
    CHECK(evaluate_requirement("cuda>=12.4 brand=tesla,driver>=535,driver<536", host) == Requirement::Unknown);
    CHECK(evaluate_requirement("cuda>=12.4 brand=tesla,driver>=470,driver<471", host) == Requirement::Unmet);
    CHECK(evaluate_requirement("arch>=9.0", host) == Requirement::Unmet);
    CHECK(evaluate_requirement("arch=8.6", host) == Requirement::Met);
    CHECK(evaluate_requirement("moon>=1", host) == Requirement::Unknown);
    CHECK(evaluate_requirement("cuda>=12.2", {}) == Requirement::Unknown);
}

TEST_CASE("what an image asks for is read from its environment") {
    const auto needs = needs_of({"PATH=/x", "CUDA_VERSION=12.4.1", "NVIDIA_REQUIRE_CUDA=cuda>=12.4"}, false);
    CHECK(needs.cuda == "12.4.1");
    CHECK(needs.requires_cuda == std::vector<std::string>{"cuda>=12.4"});
    CHECK(needs.wants_gpu);
    CHECK_FALSE(needs_of({"PATH=/x"}, false).wants_gpu);
    CHECK(needs_of({"NVIDIA_VISIBLE_DEVICES=all"}, false).wants_gpu);
    CHECK_FALSE(needs_of({"NVIDIA_VISIBLE_DEVICES=void"}, false).wants_gpu);
    CHECK(needs_of({"NVIDIA_REQUIRE_CUDA=cuda>=12.4", "NVIDIA_DISABLE_REQUIRE=1"}, false).requires_cuda.empty());
}

TEST_CASE("a driver against the image's CUDA, with minor version compatibility") {
    const std::vector<std::string> plain = {"CUDA_VERSION=12.4.1"};
    const auto exact = about_driver(plain, host_with("550.54.15", "12.4"));
    CHECK(exact.health == Health::Ok);
    CHECK_THAT(exact.text, Contains("550.54.15"));
    const auto minor = about_driver(plain, host_with("535.104.05", "12.2"));
    CHECK(minor.health == Health::Ok);
    CHECK_THAT(minor.text, Contains("minor version compatibility") && Contains("525.60.13"));
    CHECK_THAT(minor.advice, Contains("PTX"));
    const auto old = about_driver(plain, host_with("470.82.01", "11.4"));
    CHECK(old.health == Health::Fail);
    CHECK_THAT(old.text, Contains("too old") && Contains("525.60.13"));
    CHECK_THAT(old.advice, Contains("550.54.15"));
    const auto unknown = about_driver({"CUDA_VERSION=99.1"}, host_with("550.54.15", "12.4"));
    CHECK(unknown.health == Health::Warn);

    // The toolkit would run, and the runtime refuses all the same.
    const std::vector<std::string> asking = {"CUDA_VERSION=12.4.1", "NVIDIA_REQUIRE_CUDA=cuda>=12.4"};
    const auto refused = about_driver(asking, host_with("535.104.05", "12.2"));
    CHECK(refused.health == Health::Fail);
    CHECK_THAT(refused.text, Contains("cuda>=12.4") && Contains("refuses") && Contains("minor version compatibility"));
    CHECK_THAT(refused.advice,
               Contains("550.54.15") && Contains("--target-cuda 12.2") && Contains("NVIDIA_DISABLE_REQUIRE=1"));
    CHECK(about_driver(asking, host_with("550.90.07", "12.4")).health == Health::Ok);
    // Some older branches pass for some brands, and this host does not say its brand.
    const auto maybe =
        about_driver({"CUDA_VERSION=12.4.1", "NVIDIA_REQUIRE_CUDA=cuda>=12.4 brand=tesla,driver>=525,driver<526"},
                     host_with("525.60.13", "12.0"));
    CHECK(maybe.health == Health::Warn);
    CHECK_THAT(maybe.text, Contains("may refuse") && Contains("\"cuda>=12.4\" or one of 1 alternatives"));
    CHECK(about_driver({"NVIDIA_REQUIRE_CUDA=cuda>=12.4"}, host_with("550.90.07", "12.4")).health == Health::Ok);
}

TEST_CASE("compute capability against what a CUDA has code for") {
    CHECK(compute("8.6", "12.4").health == Health::Ok);
    CHECK(compute("8.9", "11.0").health == Health::Ok);  // the same major version
    const auto kepler = compute("3.7", "12.4");
    CHECK(kepler.health == Health::Fail);
    CHECK_THAT(kepler.text, Contains("begins at 5.0"));
    CHECK(compute("7.0", "13.0").health == Health::Fail);
    CHECK(compute("7.0", "12.9").health == Health::Ok);
    const auto blackwell = compute("12.0", "12.4");
    CHECK(blackwell.health == Health::Warn);
    CHECK_THAT(blackwell.text, Contains("PTX"));
    CHECK(compute("12.0", "12.8").health == Health::Ok);
    Gpu silent;
    silent.name = "old";
    CHECK(check_compute(silent, value_or_throw(catalog::CudaVersion::parse("12.4")), "it", table()).health ==
          Health::Warn);
}

TEST_CASE("an image without a GPU asks nothing of the host, and no driver is no comparison") {
    CHECK(check_image(needs_of({"PATH=/x"}, true), {}, table()).size() == 1);
    CHECK(check_image(needs_of({"CUDA_VERSION=12.4.1"}, true), {}, table()).size() == 1);
}

TEST_CASE("a host's clock is compared with the middle one of the servers'") {
    CHECK(check_clock({}).health == Health::Warn);
    CHECK(check_clock({seconds(0), seconds(1)}).health == Health::Ok);
    CHECK(check_clock({seconds(0), seconds(2), seconds(9999)}).health == Health::Ok);
    const auto behind = check_clock({seconds(600)});
    CHECK(behind.health == Health::Warn);
    CHECK_THAT(behind.text, Contains("600 s behind"));
    const auto ahead = check_clock({seconds(-7200)});
    CHECK(ahead.health == Health::Fail);
    CHECK_THAT(ahead.text, Contains("7200 s ahead of"));
    CHECK_THAT(ahead.advice, Contains("timedatectl"));
    CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == std::chrono::system_clock::from_time_t(784111777));
    CHECK_FALSE(parse_http_date("yesterday"));
}

namespace {

// A site in this process: a registry, and a server for a channel and an index.
struct FakeSite {
    FakeHost host;
    FakeRegistry registry;
    FaultServer web{[](const FaultRequest& request, FaultConnection& connection) {
        const bool there = request.target.find("/linux-64/repodata.json") != std::string::npos ||
                           request.target.starts_with("/simple/");
        fault::respond(there ? 200 : 404, "")(request, connection);
    }};
    RecordingReporter reporter;
    Settings settings;

    FakeSite() {
        const auto home = host.folder.path();
        settings.registry = registry.domain() + "/team/envs";
        settings.channels = {"http://127.0.0.1:" + std::to_string(web.port()) + "/conda-forge"};
        settings.index_mirrors["https://pypi.org/simple"] = {"http://127.0.0.1:" + std::to_string(web.port()) +
                                                             "/simple"};
        settings.registry_mirrors["docker.io"] = {registry.domain()};
        settings.docker_host = "unix://" + (home / "no-engine.sock").string();
        settings.cache_dir = home / "cache";
        settings.data_dir = home / "data";
        settings.share_dir = ENVBUILD_SOURCE_DIR;
        for (const auto* image : {"library/ubuntu:22.04", "nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04"}) {
            const std::string name(image);
            registry.add_manifest(name.substr(0, name.find(':')), name.substr(name.find(':') + 1),
                                  std::string(oci::media_type::kManifest), image_manifest(name));
        }
    }
    [[nodiscard]] DoctorReport run() {
        const Workbench bench(host.env(), settings, {}, reporter);
        return run_doctor(host.options, bench);
    }
    // The lines of one check: "ok", "fail"…
    static std::vector<std::string> health(const DoctorReport& report, std::string_view check) {
        std::vector<std::string> found;
        for (const auto& finding : report.findings) {
            if (finding.check == check) found.emplace_back(build::to_string(finding.health));
        }
        return found;
    }
    void image(const std::string& tag, const std::vector<std::string>& env) {
        Json rootfs = Json::object();
        rootfs.set("type", "layers").set("diff_ids", std::vector<std::string>{sha256("layer").to_string()});
        const auto config = Json::object()
                                .set("architecture", "amd64")
                                .set("os", "linux")
                                .set("config", Json::object().set("Env", env))
                                .set("rootfs", rootfs)
                                .dump();
        registry.add_blob("team/envs", config);
        registry.add_manifest("team/envs", tag, std::string(oci::media_type::kManifest),
                              image_manifest("layer", config));
        host.options.image = settings.registry + ":" + tag;
    }
};

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a build host without a GPU: what is there is ok, what is not there fails, nothing is left behind") {
    FakeSite site;
    const auto report = site.run();
    INFO(report.to_json().dump(1));
    CHECK(FakeSite::health(report, "driver") == Lines{"warn"});
    CHECK(FakeSite::health(report, "container-toolkit") == Lines{"ok"});
    CHECK(FakeSite::health(report, "engine") == Lines{"fail"});
    CHECK(FakeSite::health(report, "registry") == Lines{"ok"});
    CHECK(FakeSite::health(report, "registry-write") == Lines{"ok"});
    CHECK(FakeSite::health(report, "channel") == Lines{"ok"});
    CHECK(FakeSite::health(report, "index") == Lines{"ok"});
    CHECK(FakeSite::health(report, "bases") == Lines{"ok"});
    CHECK(FakeSite::health(report, "base") == Lines{"ok", "ok"});
    CHECK(FakeSite::health(report, "disk").size() == 3);
    CHECK(report.count(Health::Fail) >= 1);
    for (const auto& finding : report.findings) {
        CAPTURE(finding.text);
        CHECK((finding.health == Health::Ok || !finding.advice.empty()));
    }
    // The upload that was begun is cancelled, and no manifest is written.
    CHECK(site.registry.count("POST", "/blobs/uploads/") == 1);
    CHECK(site.registry.count("DELETE", "/blobs/uploads/") == 1);
    CHECK(site.registry.count("PUT", "") == 0);
    const auto json = report.to_json();
    CHECK(json.string_or("status", "") == "fail");
    CHECK(json.int_or("fail", -1) == static_cast<std::int64_t>(report.count(Health::Fail)));
}

TEST_CASE("--gpu and an image for a GPU make the missing driver a failure") {
    FakeSite site;
    site.host.options.gpu = true;
    CHECK(FakeSite::health(site.run(), "driver") == Lines{"fail"});
    site.host.options.gpu = false;
    site.image("gpu", {"CUDA_VERSION=12.4.1"});
    const auto report = site.run();
    CHECK(FakeSite::health(report, "image") == Lines{"ok"});
    CHECK(FakeSite::health(report, "driver") == Lines{"fail"});
    CHECK(FakeSite::health(report, "container-toolkit") == Lines{"fail"});
    site.image("cpu", {"PATH=/bin"});
    CHECK(FakeSite::health(site.run(), "driver") == Lines{"warn"});
    site.host.options.image = site.settings.registry + ":absent";
    CHECK(FakeSite::health(site.run(), "image") == Lines{"fail"});
    site.host.options.image = "not an image";
    CHECK_THROWS_AS(site.run(), Error);
}

TEST_CASE("a host with a GPU: image, driver and compute capability together") {
    FakeSite site;
    site.host.smi("535.104.05", "12.2", "NVIDIA A10", "8.6");
    site.host.program("nvidia-ctk", "echo 'version 1.16.2'\n");
    site.host.file("etc/cdi/nvidia.yaml", "kind: nvidia.com/gpu\n");
    site.image("new", {"CUDA_VERSION=12.4.1", "NVIDIA_REQUIRE_CUDA=cuda>=12.4"});
    auto report = site.run();
    INFO(report.to_json().dump(1));
    CHECK(FakeSite::health(report, "driver") == Lines{"ok"});
    CHECK(FakeSite::health(report, "gpu") == Lines{"ok"});
    CHECK(FakeSite::health(report, "image-driver") == Lines{"fail"});
    CHECK(FakeSite::health(report, "compute-capability") == Lines{"ok"});
    CHECK(FakeSite::health(report, "container-toolkit") == Lines{"ok"});
    site.image("fits", {"CUDA_VERSION=12.1.1", "NVIDIA_REQUIRE_CUDA=cuda>=12.1"});
    CHECK(FakeSite::health(site.run(), "image-driver") == Lines{"ok"});
    // A driver that does not print its CUDA: the table says it.
    site.host.smi("535.104.05", "N/A", "NVIDIA A10", "8.6");
    CHECK(FakeSite::health(site.run(), "image-driver") == Lines{"ok"});
}

TEST_CASE("services that are down, read-only or forbidden are told apart") {
    FakeSite site;
    site.registry.set_read_only(true);
    auto report = site.run();
    CHECK(FakeSite::health(report, "registry") == Lines{"ok"});
    CHECK(FakeSite::health(report, "registry-write") == Lines{"warn"});
    site.registry.set_read_only(false);
    site.settings.registry = "127.0.0.1:1/team/envs";
    site.settings.channels = {site.settings.channels[0] + "-other/sub", "file:///nonexistent"};
    site.settings.channels[0] = "http://127.0.0.1:1/conda-forge";
    site.settings.index_mirrors["https://pypi.org/simple"] = {"http://127.0.0.1:1/simple"};
    site.settings.cache_dir = "/proc/nothing";
    report = site.run();
    INFO(report.to_json().dump(1));
    CHECK(FakeSite::health(report, "registry") == Lines{"fail"});
    CHECK(FakeSite::health(report, "channel") == Lines{"fail", "fail"});
    CHECK(FakeSite::health(report, "index") == Lines{"warn"});
    CHECK(FakeSite::health(report, "disk").front() == "fail");
    CHECK(FakeSite::health(report, "clock") == Lines{"warn"});

    FakeSite closed;
    closed.settings.registry.clear();
    CHECK(FakeSite::health(closed.run(), "registry") == Lines{"ok"});
}

TEST_CASE("a layout that cannot be written to is told of, and looking leaves nothing there") {
    FakeSite site;
    const auto home = site.host.folder.path();
    const auto write_at = [&](const fs::path& place) {
        site.settings.registry = "oci:" + place.string();
        const auto report = site.run();
        CHECK(FakeSite::health(report, "registry") == Lines{"ok"});
        return FakeSite::health(report, "registry-write");
    };
    const auto files = [&] {
        return std::distance(fs::recursive_directory_iterator(home / "place"), fs::recursive_directory_iterator());
    };
    fs::create_directories(home / "place");
    CHECK(write_at(home / "place/not/yet") == Lines{"ok"});
    CHECK(files() == 0);
    oci::Descriptor blob;
    blob.digest = sha256("x");
    blob.size = 1;
    cache::layout_repository(home / "place/images", {})->put_blob(blob, *oci::bytes_source("x"), {}, nullptr);
    const auto before = files();
    CHECK(write_at(home / "place/images") == Lines{"ok"});
    CHECK(files() == before);
    // None of these depends on who runs the test: root may write where permissions forbid it.
    write_file_atomic(home / "file", "x");
    CHECK(write_at(home / "file/images") == Lines{"warn"});
    CHECK(write_at("/proc/images") == Lines{"warn"});
    write_file_atomic(home / "place/other/thing", "somebody's");
    CHECK(write_at(home / "place/other") == Lines{"warn"});
    // A disk that is not mounted, and a layout that is damaged.
    fs::create_directory_symlink(home / "unmounted", home / "link");
    CHECK(write_at(home / "link") == Lines{"warn"});
    CHECK(write_at(home / "link/images") == Lines{"warn"});
    fs::remove_all(home / "place/images/blobs");
    write_file_atomic(home / "place/images/blobs", "x");
    CHECK(write_at(home / "place/images") == Lines{"warn"});
}

TEST_CASE("a registry that wants a login fails, with how to log in") {
    FakeSite site;
    FakeRegistry closed(FakeRegistry::Auth::Basic);
    site.settings.registry = closed.domain() + "/team/envs";
    const auto report = site.run();
    const auto found = std::ranges::find(report.findings, "registry", &Finding::check);
    REQUIRE(found != report.findings.end());
    CHECK(found->health == Health::Fail);
    CHECK_THAT(found->advice, Contains("docker login " + closed.domain()));
}
