# Target `blst`, from the first of: BLST_ROOT (an installed prefix or an unpacked source tree),
# pkg-config, the source that tools/fetch-blst downloads.
#
# Sets for installing: SLK_BLST_OBJECTS (built here: objects that go into our libraries), SLK_BLST_REQUIRES
# (a pkg-config name) and SLK_BLST_LIBS (linker words of an installed one).
set(BLST_ROOT "$ENV{BLST_ROOT}" CACHE PATH "blst: installed prefix or source tree")
set(SLK_DEPS_DIR "${CMAKE_SOURCE_DIR}/build/deps" CACHE PATH "where fetched sources are kept")
set(SLK_BLST_OBJECTS)
set(SLK_BLST_REQUIRES)
set(SLK_BLST_LIBS)

add_library(blst INTERFACE)

# Users of the target get the header only; the objects are in libselkie_proofs, once.
macro(slk_blst_from_source dir)
    enable_language(ASM)
    add_library(blst_objects OBJECT "${dir}/src/server.c" "${dir}/build/assembly.S")
    # Portable: blst picks its ADX code at run time.
    target_compile_definitions(blst_objects PRIVATE __BLST_PORTABLE__)
    target_compile_options(blst_objects PRIVATE -O2 -fno-builtin -w -fvisibility=hidden -fno-sanitize=all)
    target_include_directories(blst SYSTEM INTERFACE "${dir}/bindings")
    set(SLK_BLST_OBJECTS $<TARGET_OBJECTS:blst_objects>)
    message(STATUS "blst: source in ${dir}")
endmacro()

macro(slk_blst_from_prefix dir)
    find_library(blst_library blst HINTS "${dir}/lib" "${dir}/lib64" "${dir}" NO_DEFAULT_PATH NO_CACHE)
    find_path(blst_include blst.h HINTS "${dir}/include" "${dir}/bindings" NO_DEFAULT_PATH NO_CACHE)
    if(NOT blst_library OR NOT blst_include)
        message(FATAL_ERROR "BLST_ROOT=${dir} holds neither blst's source (src/server.c, build/assembly.S) "
                            "nor an installed one (lib/libblst.a and include/blst.h)")
    endif()
    target_link_libraries(blst INTERFACE "${blst_library}")
    target_include_directories(blst SYSTEM INTERFACE "${blst_include}")
    set(SLK_BLST_LIBS "${blst_library}")
    message(STATUS "blst: ${blst_library}")
endmacro()

if(BLST_ROOT AND EXISTS "${BLST_ROOT}/src/server.c")
    slk_blst_from_source("${BLST_ROOT}")
elseif(BLST_ROOT)
    slk_blst_from_prefix("${BLST_ROOT}")
else()
    pkg_check_modules(BLST QUIET IMPORTED_TARGET libblst)
    if(BLST_FOUND)
        target_link_libraries(blst INTERFACE PkgConfig::BLST)
        set(SLK_BLST_REQUIRES libblst)
        message(STATUS "blst: pkg-config, version ${BLST_VERSION}")
    else()
        execute_process(COMMAND "${CMAKE_SOURCE_DIR}/tools/fetch-blst" "${SLK_DEPS_DIR}"
                        RESULT_VARIABLE blst_fetch)
        if(blst_fetch)
            message(FATAL_ERROR "blst is missing: see the line above, or set BLST_ROOT")
        endif()
        slk_blst_from_source("${SLK_DEPS_DIR}/blst")
    endif()
endif()
