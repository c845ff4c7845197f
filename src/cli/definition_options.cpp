#include "cli/definition_options.hpp"

namespace envbuild::cli {

void add_definition_options(CLI::App& command, build::DefinitionEdits& edits) {
    command.add_option("ENVIRONMENT", edits.intent.environment,
                       "A file, a directory, a conda prefix, or NAME[:VERSION|@LABEL]");
    command.add_option("--image", edits.intent.base, "The base image; alone, it is the environment as it is");
    command.add_option("--dockerfile", edits.dockerfile, "A Dockerfile that makes the base");
    command.add_option("--context", edits.context,
                       "A folder with a Dockerfile that makes the base, or URL#REF:FOLDER of a git repository");
    command.add_option("--context-dockerfile", edits.context_dockerfile, "The Dockerfile's path in that folder")
        ->capture_default_str();
    command.add_flag("--user-managed", edits.user_managed, "Install nothing: the base has all");
    command.add_option("--shm-size", edits.shm_size, "Shared memory of its containers, such as 2g");
    command.add_flag("--gpu", edits.intent.gpu, "For a node with a GPU");
    command.add_option("--cuda", edits.intent.cuda, "The base image's CUDA, such as 11.8 (means --gpu)");
    command.add_option("--target-cuda", edits.intent.target_cuda,
                       "CUDA version of the driver on the nodes that will run it");
    command.add_option("--target-cpu", edits.intent.target_cpu,
                       "CPU of those nodes as archspec names it, such as x86_64_v3");
    command.add_option("--platform", edits.intent.platform, "linux-64 (default), linux-aarch64, …");
    command.add_option("--python", edits.intent.python, "Python version for a requirements.txt");
    add_pairs_option(command, "-e,--env", "NAME=value: a variable of the image; may be repeated",
                     edits.intent.variables);
}

}  // namespace envbuild::cli
