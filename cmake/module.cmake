# How a folder under src/ says what it holds. Each folder has a CMakeLists.txt of such lines.

# slk_sources(file...): sources of libselkie_proofs in this folder.
function(slk_sources)
    foreach(file ${ARGN})
        set_property(GLOBAL APPEND PROPERTY SLK_SOURCES "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
    endforeach()
endfunction()

# slk_cluster(file...): sources of libselkie_cluster, what the program needs beyond proofs: chain, network, database.
function(slk_cluster)
    foreach(file ${ARGN})
        set_property(GLOBAL APPEND PROPERTY SLK_CLUSTER "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
    endforeach()
endfunction()

# slk_simd(file flag...): a source of libselkie_proofs that alone is compiled with these machine flags.
# x86-64 only; such a file is entered through a dispatch table after a check of the CPU.
function(slk_simd file)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|amd64|AMD64")
        slk_sources(${file})
        string(REPLACE ";" " " flags "${ARGN}")
        set_property(GLOBAL APPEND PROPERTY SLK_SIMD "${CMAKE_CURRENT_SOURCE_DIR}/${file}=${flags}")
    endif()
endfunction()

# slk_test(name file...): a cmocka program run by `make test`; sees internal headers, links the static library.
function(slk_test name)
    if(BUILD_TESTING)
        set_property(GLOBAL APPEND PROPERTY SLK_TESTS "${name}")
        list(TRANSFORM ARGN PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
        set_property(GLOBAL PROPERTY SLK_TEST_${name} "${ARGN}")
    endif()
endfunction()

# slk_test_slow(name argument...): run the program of a slk_test once more with these arguments, as test
# <name>-slow of `make test-slow`.
function(slk_test_slow name)
    if(BUILD_TESTING)
        set_property(GLOBAL PROPERTY SLK_SLOW_${name} "${ARGN}")
    endif()
endfunction()

# slk_fuzz(name file): a libFuzzer target, built with SLK_FUZZ; its corpus is tests/corpora/<name>/.
# Without SLK_FUZZ it is built around tests/fuzz_replay.c, which runs the corpus once: a test of `make test`.
function(slk_fuzz name file)
    set_property(GLOBAL APPEND PROPERTY SLK_FUZZERS "${name}=${CMAKE_CURRENT_SOURCE_DIR}/${file}")
endfunction()
